/* When something does not work: self test, log, report. */

import { call } from "./api.js";
import { add, fill, foreign, make, showProblem } from "./dom.js";
import { error_text } from "./pin.js";
import { choose, t } from "./texts.js";

function step(one) {
	const [look, text] = one.good === true ? ["good", "step_good"] : one.good === false ? ["bad", "step_bad"] : ["warn", "step_left"];

	return make("li", {}, make("span", { class: look }, t(text)), " ", foreign(choose(one.text)));
}

/* A button, and what it brings. */
function part(title, button, ask, show) {
	const problem = make("div", {});
	const result = make("div", { role: "status" });
	const start = make("button", { onclick: run }, t(button));

	async function run() {
		start.disabled = true;
		showProblem(problem, null);
		try {
			fill(result, show(await call(ask)));
		} catch (error) {
			fill(result);
			showProblem(problem, error_text(error));
		}
		start.disabled = false;
		start.focus();
	}

	return make("div", { class: "box", id: `part-${ask}` }, make("h3", {}, t(title)), make("div", { class: "buttons" }, start), problem, result);
}

function save(text) {
	return make("a", {
		class: "button", download: "twcard-report.txt",
		href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
	}, t("report_save"));
}

export function trouble(place) {
	const text = lines => make("pre", { tabindex: "0", class: "foreign" }, lines);

	add(place,
		part("self_test", "self_test_start", "selftest", answer => make("ol", {}, (answer.steps ?? []).map(step))),
		part("log", "log_show", "log", answer => text((answer.lines ?? []).join("\n") || t("log_empty"))),
		part("report", "report_make", "report", answer =>
			[make("p", {}, t("report_means")), text(answer.text ?? ""), save(answer.text ?? "")]));
	return {};
}
