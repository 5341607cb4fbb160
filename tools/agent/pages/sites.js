/* Which sites may ask. */

import { call } from "./api.js";
import { add, date, facts, fill, foreign, make, say, showProblem } from "./dom.js";
import { error_text } from "./pin.js";
import { t } from "./texts.js";

const words = { allowed: ["good", "site_is_allowed"], blocked: ["bad", "site_is_blocked"] };

export function sites(place) {
	const list = make("div", {});
	const problem = make("div", {});

	function row(site) {
		const [look, text] = words[site.state] ?? ["warn", "site_is_unknown"];
		const button = (name, state) => make("button", {
			onclick: () => change(site.origin, state), "data-key": `${state} ${site.origin}`, "aria-label": `${t(name)}: ${site.origin}`,
		}, t(name));

		return make("li", {}, make("strong", {}, foreign(site.origin)), " ", make("span", { class: look }, t(text)),
			facts([[t("since"), date(site.since)], [t("clicks"), site.session ? t("no_clicks") : null]]),
			make("div", { class: "buttons" },
				site.state === "allowed" ? button("block", "blocked") : button("allow", "allowed"),
				button("forget", "unknown")));
	}

	function draw(answer) {
		const all = answer.sites ?? [];

		fill(list, all.length ? make("ul", { class: "list" }, all.map(row)) : make("p", {}, t("no_sites")));
	}

	async function ask(name, body) {
		try {
			draw(await call(name, body));
			showProblem(problem, null);
			return true;
		} catch (error) {
			showProblem(problem, error_text(error));
			return false;
		}
	}

	async function change(origin, state) {
		if (!await ask("site", { origin, state }))
			return;
		say(t("site_changed"));
		place.querySelector("h2").focus();
	}

	add(place, make("div", { class: "box" }, make("p", {}, t("sites_mean")), problem, list));
	return { shown: () => ask("sites") };
}
