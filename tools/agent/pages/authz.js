/* The authorization certificates on an attached card, which are behind its PIN. */

import { call } from "./api.js";
import { facts, fill, foreign, make } from "./dom.js";
import { pin_dialog } from "./pin.js";
import { t } from "./texts.js";

const kinds = { applications: "authz_applications", delegation: "authz_delegation", other: "authz_other" };

function verdict(one) {
	const [look, text] = one.verified === true ? ["good", "chain_by_card"] : one.verified === false ? ["bad", "bad"] : ["warn", "not_checked"];

	return make("div", {}, make("span", { class: look }, t(text)), one.why ? " " : null, one.why ? foreign(one.why) : null);
}

/* "application, unit (code), role": what is said of it. */
function grant_text(grant) {
	const unit = grant.unit_name && grant.unit_code ? `${grant.unit_name} (${grant.unit_code})` : grant.unit_name ?? grant.unit_code;

	return [grant.application, unit, grant.role].filter(Boolean).join(", ");
}

function grants(content) {
	const list = content?.grants ?? (content?.scope ? [content.scope] : []);
	const texts = list.map(grant_text).filter(Boolean);

	return texts.length ? make("ul", {}, texts.map(text => make("li", {}, foreign(text)))) : null;
}

function day(time) {
	return String(time ?? "?").slice(0, 10);
}

function one_part(one) {
	if (one.damaged)
		return make("li", {}, make("span", { class: "bad" }, t("authz_damaged")), " ", foreign(one.damaged));
	return make("li", {}, make("strong", {}, t(kinds[one.kind] ?? "authz_other")),
		facts([
			[t("authz_grants"), grants(one.content)],
			[t("authz_disabled"), one.content?.disabled ? t("yes") : null],
			[t("authz_bearer"), one.content?.bearer?.number],
			[t("serial"), one.serial],
			[t("issuer"), one.issuer],
			[t("valid"), `${day(one.not_before)} – ${day(one.not_after)}`],
			[t("authz_check"), verdict(one)],
		]));
}

export async function show_authorizations(reader, place) {
	let answer = null;
	const good = await pin_dialog({
		title: t("authz"),
		notes: [make("p", {}, foreign(reader.name)), make("p", { class: "faint" }, t("authz_means"))],
		fields: [["pin", "pin"]],
		button: "authz_read",
		act: async values => (answer = await call("authz", { slotDescription: reader.name, ...values })),
		finished: () => null,
	});

	if (!good)
		return;
	const list = answer.certificates ?? [];
	fill(place, make("h4", {}, t("authz")), list.length ? make("ul", { class: "list" }, list.map(one_part)) : make("p", {}, t("authz_none")));
}
