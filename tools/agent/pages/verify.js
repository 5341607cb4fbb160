/* Is a signature good, and whose is it? Both files go to the agent on this machine, which asks nobody. */

import { call } from "./api.js";
import { add, facts, fill, foreign, make, showProblem } from "./dom.js";
import { file_field, is_readable, send_file } from "./files.js";
import { error_text } from "./pin.js";
import { t } from "./texts.js";

const chains = { good: ["good", "chain_by_card"], bad: ["bad", "chain_bad"], "not-checked": ["warn", "not_checked"] };
const lacking = { "needs-data": "verify_needs_data", "data-inside": "verify_data_inside" };

function signer_part(signer) {
	const certificate = signer.certificate ?? {};
	const [look, text] = chains[signer.chain] ?? chains["not-checked"];

	return make("li", {},
		make("span", { class: signer.valid ? "good" : "bad" }, t(signer.valid ? "signature_good" : "signature_bad")),
		facts([
			[t("signed_by"), certificate.holder],
			[t("subject"), certificate.subject],
			[t("issuer"), certificate.issuer],
			[t("serial"), certificate.serial],
			[t("signed_at"), signer.signing_time],
			[t("digest"), signer.digest],
			[t("chain"), make("span", { class: look }, t(text))],
		]),
		(signer.problems ?? []).map(problem => make("p", { class: "bad" }, foreign(problem))));
}

function show(place, answer, name) {
	const valid = answer.valid === true;

	fill(place,
		make("p", { class: valid ? "good" : "bad", id: "verdict" }, t(valid ? "all_signatures_good" : "not_all_good")),
		facts([[t("signature"), name], [t("data"), answer.inside ? t("data_are_inside") : t("data_are_beside")]]),
		make("ul", { class: "list" }, (answer.signers ?? []).map(signer_part)));
}

export function verify(place) {
	const [signature_label, signature] = file_field("verify-signature", "signature_file");
	const [data_label, data] = file_field("verify-data", "data_file");
	const problem = make("div", {});
	const way = make("div", {});
	const result = make("div", { role: "status" });
	const form = make("form", { class: "box" }, make("p", {}, t("verify_means")), signature_label, signature, data_label, data,
		make("p", { class: "faint" }, t("data_means")), problem, way,
		make("div", { class: "buttons" }, make("button", { class: "main", type: "submit", id: "verify-now" }, t("verify_now"))));
	let busy = false;

	async function verify_one(of, over) {
		const request = { signature: await send_file("signature", of, way) };

		if (over)
			request.file = await send_file("file", over, way);
		const answer = await call("verify", request);
		if (answer.state === "done")
			show(result, answer, of.name);
		else
			showProblem(problem, t(lacking[answer.state] ?? "failed"));
	}

	async function submit() {
		const of = signature.files[0];
		const over = data.files[0] ?? null;

		showProblem(problem, null);
		fill(result);
		if (!of) {
			showProblem(problem, t("signature_missing"));
			return;
		}
		if (!await is_readable(of) || (over && !await is_readable(over))) {
			showProblem(problem, t("file_unread"));
			return;
		}
		busy = true;
		try {
			await verify_one(of, over);
		} catch (error) {
			showProblem(problem, error_text(error));
		}
		busy = false;
	}

	form.addEventListener("submit", event => {
		event.preventDefault();
		if (!busy)
			submit();
	});
	add(place, form, result);
	return {};
}
