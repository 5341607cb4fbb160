/* Readers and cards, as they are now: holder, certificates, PIN, authorizations. */

import { Refused, call, certificates, days_left, holder, is_own, readers } from "./api.js";
import { show_authorizations } from "./authz.js";
import { add, date, facts, fill, foreign, make, plain, say } from "./dom.js";
import { change_pin, check_pin } from "./pin.js";
import { choose, t } from "./texts.js";

/* Results of chain checks, by certificate: a new state does not lose them. */
const checked = new Map();

const usages = { digitalSignature: "use_sign", "keyEncipherment|dataEncipherment": "use_encrypt", "keyCertSign|cRLSign": "use_ca" };
const results = { good: ["good", "check_good"], bad: ["bad", "check_bad"], incomplete: ["warn", "check_incomplete"] };
const states = { good: ["good", "good"], bad: ["bad", "bad"], "not-checked": ["warn", "not_checked"] };
const points = {
	chain: "chain", validity: "valid", usage: "use", revocation: "revocation", "ca-revocation": "ca_revocation",
};

function days(certificate) {
	const left = days_left(certificate);

	if (left === null)
		return null;
	if (left < 0)
		return make("span", { class: "bad" }, t("expired", { n: -left }));
	return make("span", { class: left < 30 ? "warn" : "good" }, t("days_left", { n: left }));
}

function error_text(error) {
	if (error instanceof Refused)
		return error.status === 404 ? t("not_offered") : (error.text ? choose(error.text) : error.word);
	return t("agent_gone");
}

function look(table, word, otherwise) {
	const [name, text] = table[word] ?? table[otherwise];

	return make("span", { class: name }, t(text));
}

function point_row(point) {
	return [points[point.point] ? t(points[point.point]) : point.point,
		make("div", {}, look(states, point.state, "not-checked"), " ", foreign(point.text))];
}

function check_text(result) {
	return [look(results, result.result, "incomplete"), facts((result.points ?? []).map(point_row))];
}

function chain_part(certificate, reader) {
	const place = make("div", { role: "status" });
	const known = checked.get(certificate.certb64);

	async function ask() {
		try {
			const result = await call("check", { certb64: certificate.certb64 });

			checked.set(certificate.certb64, result);
			fill(place, check_text(result));
		} catch (error) {
			fill(place, make("span", { class: "warn" }, error_text(error)));
		}
	}

	if (known)
		add(place, check_text(known));
	else if (typeof certificate.certb64 === "string")
		add(place, make("button", { onclick: ask, "data-key": `chain ${certificate.label} ${reader}` }, t("chain_check")));
	return place;
}

function certificate_part(certificate, reader) {
	const use = usages[certificate.usage];

	return make("li", {}, make("strong", {}, foreign(certificate.label)), " ", days(certificate),
		facts([
			[t("subject"), certificate.subjectCN ?? certificate.subjectDN],
			[t("use"), use ? t(use) : certificate.usage],
			[t("issuer"), certificate.issuerDN],
			[t("serial"), certificate.sn],
			[t("valid"), `${date(certificate.notBeforeT) ?? "?"} – ${date(certificate.notAfterT) ?? "?"}`],
			[t("chain"), chain_part(certificate, reader)],
		]));
}

function card_part(reader) {
	const { token } = reader;
	const all = certificates(token);
	const own = all.filter(is_own);
	const rest = all.filter(certificate => !is_own(certificate));
	const authorizations = make("div", { role: "status" });
	const button = (name, text, action) => make("button", { "data-key": `${name} ${reader.name}`, onclick: action }, t(text));

	return [
		facts([
			[t("holder"), holder(token)],
			[t("card_number"), token.serialNumber],
			[t("model"), token.model],
			[t("manufacturer"), token.manufacturerID],
		]),
		make("div", { class: "buttons" },
			button("check", "pin_check", () => check_pin(reader)),
			button("change", "pin_change", () => change_pin(reader)),
			button("authz", "authz", () => show_authorizations(reader, authorizations))),
		authorizations,
		make("h4", {}, t("certificates")),
		own.length ? make("ul", { class: "list" }, own.map(one => certificate_part(one, reader.name))) : make("p", {}, t("no_certificates")),
		rest.length ? make("details", {}, make("summary", {}, t("ca_certificates", { n: rest.length })),
			make("ul", { class: "list" }, rest.map(one => certificate_part(one, reader.name)))) : null,
	];
}

function reader_part(reader) {
	const box = make("article", { class: "box", "data-reader": reader.name, "aria-label": plain(reader.name) },
		make("h3", {}, foreign(reader.name)));

	if (reader.token)
		add(box, ...card_part(reader));
	else
		add(box, make("p", { class: "faint" }, t(reader.odd ? "odd_card" : "no_card")));
	return box;
}

/* What a person would want to hear of a change. */
function changes(before, now) {
	const had = new Map(before.map(reader => [reader.name, reader.token?.serialNumber]));
	const have = new Map(now.map(reader => [reader.name, reader.token?.serialNumber]));
	const said = [];

	for (const [name, serial] of have) {
		if (!had.has(name))
			said.push(t("reader_came", { name }));
		else if (had.get(name) !== serial)
			said.push(t(serial === undefined ? "card_went" : "card_came", { name }));
	}
	for (const name of had.keys()) {
		if (!have.has(name))
			said.push(t("reader_went", { name }));
	}
	return said;
}

/* Draws anew only what is another now, so that nobody loses his place on the page. */
export function cards(place) {
	const list = make("div", {});
	let shown = null;
	let texts = [];

	function update(state) {
		const now = readers(state);
		const focus = document.activeElement?.dataset?.key;
		const next = now.map(reader => JSON.stringify(reader));

		if (shown && JSON.stringify(next) === JSON.stringify(texts))
			return;
		const old = [...list.children];
		fill(list, now.length ? now.map((reader, i) => {
			const same = texts.indexOf(next[i]);
			return same >= 0 && old[same]?.dataset.reader === reader.name ? old[same] : reader_part(reader);
		}) : make("p", { class: "box" }, t("no_reader")));
		if (focus)
			[...list.querySelectorAll("[data-key]")].find(element => element.dataset.key === focus)?.focus();
		if (shown)
			say(changes(shown, now).join(" "));
		shown = now;
		texts = next;
	}

	add(place, list);
	return { update };
}
