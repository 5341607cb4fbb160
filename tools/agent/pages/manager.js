/* The card manager at "/": its sections, and the state that they share. */

import { Refused, forget_token, log_in, watch } from "./api.js";
import { cards } from "./cards.js";
import { add, byId, fill, make, say, translate } from "./dom.js";
import { sign } from "./sign.js";
import { sites } from "./sites.js";
import { choose, t } from "./texts.js";
import { trouble } from "./trouble.js";
import { verify } from "./verify.js";

/* Each: its name, text, what draws it once into its place, and then hears of states. */
const sections = [
	{ name: "cards", text: "cards", part: cards },
	{ name: "sign", text: "sign_file", part: sign },
	{ name: "verify", text: "verify_file", part: verify },
	{ name: "sites", text: "sites", part: sites },
	{ name: "trouble", text: "trouble", part: trouble },
];

function connection(text, bad) {
	const place = byId("connection");

	if (place.textContent === text)
		return;
	place.className = bad ? "bad" : "faint";
	place.textContent = text;
}

function show_login(text) {
	document.querySelector("nav").hidden = true;
	fill(byId("main"), make("section", { class: "box", id: "login" },
		make("h2", { tabindex: "-1" }, t("login")),
		text ? make("p", { class: "bad", role: "alert" }, text) : null,
		make("p", {}, t("login_means")), make("pre", {}, "twcard agent open")));
	connection("", false);
}

function open_section(name, focus) {
	for (const { name: other } of sections) {
		const here = other === name;

		byId(`section-${other}`).hidden = !here;
		if (here)
			byId(`go-${other}`).setAttribute("aria-current", "page");
		else
			byId(`go-${other}`).removeAttribute("aria-current");
	}
	sections.find(s => s.name === name).shown?.();
	if (focus)
		byId(`section-${name}`).querySelector("h2").focus();
}

function draw() {
	fill(byId("main"));
	fill(byId("sections"), sections.map(({ name, text }) => make("li", {},
		make("button", { id: `go-${name}`, onclick: () => open_section(name, true) }, t(text)))));
	for (const section of sections) {
		const place = make("section", { id: `section-${section.name}`, "aria-labelledby": `title-${section.name}` });

		add(place, make("h2", { tabindex: "-1", id: `title-${section.name}` }, t(section.text)));
		add(byId("main"), place);
		Object.assign(section, section.part(place));
	}
	document.querySelector("nav").hidden = false;
	open_section(sections[0].name, false);
}

function on_state(state) {
	connection(t("connected", { version: state.version ?? "" }), false);
	for (const section of sections)
		section.update?.(state);
	document.body.dataset.generation = String(state.generation ?? "");
}

function on_refused() {
	forget_token();
	show_login(t("login_over"));
	say(t("login_over"));
}

async function begin() {
	document.title = `${t("manager")} - twcard`;
	translate(document);
	try {
		if (!await log_in()) {
			show_login(null);
			return;
		}
	} catch (error) {
		show_login(error instanceof Refused && error.text ? choose(error.text) : t("agent_gone"));
		return;
	}
	draw();
	connection(t("connecting"), false);
	watch(on_state, () => connection(t("agent_lost"), true), on_refused);
}

begin();
