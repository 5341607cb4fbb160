/* A site asks to be allowed: /addDomain. */

import { byId, fill, foreign, make, say, showProblem, tell_closed, when_closed } from "./dom.js";
import { choose, t } from "./texts.js";

const own = name => document.querySelector(`meta[name="twcard-${name}"]`).content;

function show(title, ...rest) {
	const head = make("h1", { tabindex: "-1" }, title);

	document.title = `${title} - twcard`;
	fill(byId("main"), head, ...rest);
	head.focus();
}

let decided = false;

when_closed(() => {
	if (!decided)
		tell_closed(own("token"));
});

async function decide(site, decision, problem) {
	try {
		const reply = await fetch("/consent", {
			method: "POST",
			headers: { "Content-Type": "application/json", "X-Twcard-Token": own("token") },
			body: JSON.stringify({ token: own("token"), decision }),
		});
		const said = await reply.json();

		if (typeof said.answer !== "string") {
			showProblem(problem, said.text ? choose(said.text) : t("agent_gone"));
			return;
		}
		decided = true;
		window.opener?.postMessage(said.answer, site);
		window.close();
	} catch {
		showProblem(problem, t("agent_gone"));
	}
}

function ask(site) {
	const problem = make("div", {});
	const button = (name, decision, main) => make("button", {
		class: main ? "main" : false, id: decision, disabled: true,
		onclick: () => {
			say(t("working"));
			decide(site, decision, problem);
		},
	}, t(name));
	const buttons = [button("allow", "yes", true), button("refuse", "no"), button("block", "block")];

	show(t("ask_add"),
		make("div", { class: "box" }, make("p", { class: "asks" }, foreign(site, { id: "origin" })),
			make("p", {}, t("add_means"))),
		problem, make("div", { class: "buttons" }, buttons));
	setTimeout(() => buttons.forEach(b => { b.disabled = false; }), 500);
}

const site = own("site");

if (site)
	ask(site);
else
	show(t("add_refused"), make("p", { class: "bad" }, t("add_refused_next")),
		make("div", { class: "buttons" }, make("button", { onclick: () => window.close() }, t("close"))));
