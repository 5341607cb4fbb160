/* What the person sees of a request: who asks, for what, with which certificate; and the PIN. */

import { add, byId, date, facts, fill, foreign, make, say, showProblem, when_closed } from "./dom.js";
import { choose, t } from "./texts.js";

/* A click that was meant for what was there before is none: the buttons wait this long (ms). */
const wait_before_click = 500;

const titles = {
	info: "ask_info", sign: "ask_sign", decrypt: "ask_decrypt", csr: "ask_csr", write: "ask_write", card: "ask_card",
};
const reasons = { "no-pin": "why_no_pin", "wrong-before": "why_wrong_before", "last-try": "why_last_try" };
const lasting = { once: "for_once", site: "for_site", session: "for_session" };

function heading(text) {
	document.title = `${text} - twcard`;
	return make("h1", { tabindex: "-1" }, text);
}

/* A page that only says something. */
function show(title, ...rest) {
	const head = heading(title);

	fill(byId("main"), head, ...rest,
		make("div", { class: "buttons" }, make("button", { onclick: () => window.close() }, t("close"))));
	head.focus();
}

export function show_by_hand() {
	show(t("by_hand"), make("p", {}, t("by_hand_next")));
}

export function show_no_site() {
	show(t("no_site"), make("p", {}, t("no_site_next")));
}

export function show_end(reply) {
	if (reply.over)
		show(t("over"), make("p", {}, t("over_next")));
	else
		show(t("failed"), make("p", {}, reply.text ? foreign(choose(reply.text)) : t("agent_gone")));
}

/* ---- what is asked ---- */

function site_part(site) {
	return make("div", { class: "box" },
		make("p", { class: "asks" }, foreign(site.origin, { id: "origin" })),
		site.state === "allowed" ? make("p", { class: "faint" }, t("site_allowed"))
			: make("p", { class: "warn" }, t("site_unknown")));
}

function what_part(asked) {
	const shows = asked.shows;

	if (!shows)
		return asked.kind === "info" ? make("p", {}, t("info_means")) : null;
	return make("section", { class: "box", "aria-labelledby": "what" },
		make("h2", { id: "what" }, t(asked.kind === "decrypt" ? "what_decrypted" : "what_signed")),
		typeof shows.text === "string" ? make("pre", { tabindex: "0", id: "text" }, shows.text)
			: make("p", {}, t("not_text")),
		facts([[t("size"), t("bytes", { n: shows.size })], ["SHA-256", shows.sha256]]));
}

function card_part(asked) {
	const certificate = asked.certificate;

	if (!asked.card && !certificate)
		return null;
	return make("section", { class: "box", "aria-labelledby": "with" },
		make("h2", { id: "with" }, t("with_what")),
		facts([
			[t("holder"), certificate?.subjectCN ?? certificate?.subjectDN],
			[t("issuer"), certificate?.issuerDN],
			[t("valid_until"), date(certificate?.notAfterT)],
			[t("card_number"), asked.card?.serial],
			[t("reader"), asked.card?.reader],
		]));
}

function secret_field(id, text) {
	return [
		make("label", { for: id }, text),
		make("input", { type: "password", id, autocomplete: "off", inputmode: "numeric", maxlength: "64" }),
	];
}

function pin_part(asked) {
	const reason = reasons[asked.why];
	const part = make("div", {});

	if (reason)
		add(part, make("p", { class: asked.why === "no-pin" ? "faint" : "warn", id: "why" }, t(reason)));
	if (asked.pin === "given")
		add(part, make("p", {}, t("pin_given")));
	if (asked.pin === "ask")
		add(part, ...secret_field("pin", t("pin")));
	if (typeof asked.typed === "string")
		add(part, make("label", { for: "typed" }, t("type_this", { word: asked.typed })),
			make("input", { type: "text", id: "typed", autocomplete: "off", autocapitalize: "off", spellcheck: "false" }));
	return part;
}

function lasting_part(asked) {
	const may = (asked.may ?? []).filter(name => lasting[name]);

	if (may.length < 2)
		return null;
	return make("fieldset", {}, make("legend", {}, t("remember")),
		may.map((name, i) => make("label", { class: "choice" },
			make("input", { type: "radio", name: "remember", value: name, checked: i === 0 }), t(lasting[name]))));
}

/* ---- the time that the site's page has ---- */

/* Counts by the clock, as a window behind others gets few ticks. Gives a function that ends it. */
function count_down(seconds, place, over) {
	const end = performance.now() + seconds * 1000;
	const said = new Set();
	let timer = null;

	function tick() {
		const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));

		place.textContent = t("seconds_left", { n: left });
		if ([10, 5].includes(left) && !said.has(left)) {
			said.add(left);
			say(t("seconds_left", { n: left }));
		}
		if (left === 0) {
			clearInterval(timer);
			over();
		}
	}

	timer = setInterval(tick, 250);
	tick();
	return () => clearInterval(timer);
}

/* ---- the decision ---- */

function read_form(asked, decision) {
	const pin = byId("pin");
	const typed = byId("typed");
	const result = { token: asked.token, decision, remember: document.querySelector("input[name=remember]:checked")?.value ?? "once" };

	if (decision === "yes" && pin)
		result.pin = pin.value;
	if (decision === "yes" && typed)
		result.typed = typed.value;
	if (pin)
		pin.value = "";
	return result;
}

/* Null, or which text says what is missing. */
function missing(asked) {
	if (byId("pin") && byId("pin").value === "")
		return ["pin", "pin_missing"];
	if (byId("typed") && byId("typed").value.trim() !== asked.typed)
		return ["typed", "typed_differs"];
	return null;
}

function ready_buttons(buttons) {
	setTimeout(() => buttons.forEach(button => { button.disabled = false; }), wait_before_click);
}

/* Sites open small windows, as the vendor's has nothing to show. */
function enlarge() {
	if (window.opener && (window.innerWidth < 480 || window.innerHeight < 640))
		window.resizeTo(Math.max(window.outerWidth, 540), Math.max(window.outerHeight, 780));
}

function draw(asked, on_click) {
	const head = heading(t(titles[asked.kind] ?? "ask_other"));
	const left = make("p", { class: "faint", id: "left" });
	const problem = make("div", { id: "problem" });
	const button = (name, decision, main) => make("button", {
		type: main ? "submit" : "button", class: main ? "main" : false, id: decision, disabled: true,
		onclick: main ? null : () => on_click(decision),
	}, t(name));
	const buttons = [button("agree", "yes", true), button("refuse", "no"), button("block", "block")];
	const form = make("form", { class: "question" }, head, site_part(asked.site), what_part(asked), card_part(asked),
		pin_part(asked), lasting_part(asked), problem,
		make("div", { class: "answers" }, left, make("div", { class: "buttons" }, buttons)));

	form.addEventListener("submit", event => {
		event.preventDefault();
		if (!buttons[0].disabled)
			on_click("yes");
	});
	fill(byId("main"), form);
	enlarge();
	ready_buttons(buttons);
	(byId("pin") ?? head).focus();
	return { left, problem, buttons };
}

/*
 * Asks the person and tells the agent; gives its reply. tell_site(): what the site gets when the
 * window is closed. A reply with "over" was the clock's and not the person's.
 */
export function consent(asked, decide, tell_site) {
	return new Promise((resolve, reject) => {
		let stop = () => {};
		let decided = false;

		async function send(decision, over) {
			const lacks = decision === "yes" ? missing(asked) : null;

			if (decided)
				return;
			if (lacks) {
				showProblem(view.problem, t(lacks[1]));
				byId(lacks[0]).focus();
				return;
			}
			decided = true;
			stop();
			view.buttons.forEach(button => { button.disabled = true; });
			say(t("working"));
			view.left.textContent = t("working");
			try {
				resolve({ ...await decide(read_form(asked, decision)), over });
			} catch (error) {
				reject(error);
			}
		}

		function closed() {
			if (decided)
				return;
			decided = true;
			stop();
			if (typeof asked.cancelled === "string")
				tell_site(asked.cancelled);
		}

		const view = draw(asked, decision => send(decision, false));
		when_closed(closed);
		if (typeof asked.seconds === "number")
			stop = count_down(asked.seconds, view.left, () => send("no", true));
	});
}
