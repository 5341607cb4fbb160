/*
 * The bridge between a site's page and the agent: one request, one answer, then the window
 * closes. It says that it is ready before it loads anything else, as some pages wait half a
 * second only; what a person sees is in consent.js.
 */

const own = name => document.querySelector(`meta[name="twcard-${name}"]`).content;

/* What the site's page gets when the agent cannot be asked: 0x7600000D. */
const no_agent = JSON.stringify({ ret_code: 0x7600000d, last_error: 0, message: "twcard-agent does not answer" });

let begun = false;
let ended = false;

function answer(origin, text) {
	window.opener?.postMessage(text, origin);
}

async function ask(url, headers, body) {
	const reply = await fetch(url, {
		method: "POST",
		headers: { "X-Twcard-Token": own("token"), ...headers },
		body,
	});
	return { status: reply.status, ...await reply.json() };
}

/* The string goes on as it came: the server takes the form's encoding away, once. */
function forward(origin, request) {
	const headers = { "Content-Type": "application/x-www-form-urlencoded", "X-Twcard-Origin": origin };

	return ask("/popup", headers, `tbsPackage=${request}`);
}

function decide(decision) {
	return ask("/consent", { "Content-Type": "application/json" }, JSON.stringify(decision));
}

/* Gives the site what there is for it. False: the agent has refused, with a text for people. */
function finish(origin, reply) {
	if (typeof reply.answer !== "string")
		return false;
	answer(origin, reply.answer);
	ended = true;
	return true;
}

async function serve(origin, request) {
	let view = null;

	try {
		let reply = await forward(origin, request);

		while (reply.state === "consent") {
			view = view ?? await import("./consent.js");
			reply = await view.consent(reply, decide, text => answer(origin, text));
		}
		if (finish(origin, reply) && !reply.over)
			window.close();
		else
			(view ?? await import("./consent.js")).show_end(reply);
	} catch {
		answer(origin, no_agent);
		(await import("./consent.js")).show_end({});
	}
}

/* "null" is a page without an address of its own: a file, or a frame in a sandbox. */
function receive(event) {
	if (begun || !window.opener || event.source !== window.opener || typeof event.data !== "string")
		return;
	begun = true;
	if (event.origin === "null")
		import("./consent.js").then(view => view.show_no_site());
	else
		serve(event.origin, event.data);
}

/* As when_closed() and tell_closed() in dom.js, which this page does not wait for. */
for (const name of ["beforeunload", "pagehide"]) {
	window.addEventListener(name, () => {
		if (!ended)
			navigator.sendBeacon("/consent/closed", JSON.stringify({ token: own("token") }));
		ended = true;
	});
}
window.addEventListener("message", receive);
if (window.opener)
	window.opener.postMessage(JSON.stringify({ func: own("ready") }), "*");
else
	import("./consent.js").then(view => view.show_by_hand());
