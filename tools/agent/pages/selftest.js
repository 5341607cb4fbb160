/*
 * The self test that anybody may open: it does with the agent what a site does, through the
 * agent's window, and so sees what keeps sites from working. It has no token and no rights.
 */

import { add, byId, date, fill, foreign, make, translate } from "./dom.js";
import { answer_text } from "./pin.js";
import { readers, certificates, is_own } from "./api.js";
import { t } from "./texts.js";

const test_text = "twcard self test 自我檢測";

function step(good, text, next) {
	add(byId("steps"), make("li", {}, make("span", { class: good ? "good" : "bad" }, t(good ? "step_good" : "step_bad")), " ",
		foreign(text), next ? make("div", {}, next) : null));
	return good;
}

/* One request through a window of its own. Null: it was closed; undefined: there was none. */
function ask(request) {
	const opened = window.open("/popupForm", "twcard_self_test", "width=480,height=640");

	if (!opened)
		return Promise.resolve(undefined);
	return new Promise(resolve => {
		function end(answer) {
			clearInterval(watching);
			window.removeEventListener("message", receive);
			resolve(answer);
		}

		function receive(event) {
			if (event.source !== opened || event.origin !== location.origin || typeof event.data !== "string")
				return;
			let said;
			try {
				said = JSON.parse(event.data);
			} catch {
				end(null);
				return;
			}
			if (said.func === "getTbs")
				opened.postMessage(JSON.stringify(request).replace(/\+/g, "%2B"), location.origin);
			else
				end(said);
		}

		/* A window that closes after its answer has sent that before: the answer comes first. */
		const watching = setInterval(() => {
			if (opened.closed)
				setTimeout(() => end(null), 500);
		}, 500);
		window.addEventListener("message", receive);
	});
}

function end(button) {
	fill(byId("end"), make("p", {}, t("test_over")));
	byId("start").disabled = false;
	button.disabled = false;
	button.focus();
}

/* The steps of an answer about cards; true if a signature can be tried. */
function card_steps(answer) {
	const reader = readers({ info: answer }).find(one => one.token);

	if (!step(Boolean(reader), t("test_reader", { name: reader ? `${reader.name}, ${reader.token.serialNumber}` : "–" }),
		reader ? null : t("next_reader")))
		return false;
	const own = certificates(reader.token).find(is_own);
	step(Boolean(own), t("test_certificate", { name: own?.subjectCN ?? "–" }));
	if (own)
		step(own.notAfterT * 1000 > Date.now(), t("test_dates", { date: date(own.notAfterT) ?? "?" }));
	return Boolean(own);
}

async function start() {
	fill(byId("steps"));
	fill(byId("end"));
	byId("start").disabled = true;
	byId("sign").disabled = true;
	step(true, t("test_page"));
	const answer = await ask({ func: "GetUserCert" });

	if (step(answer !== undefined, t("test_window"), answer === undefined ? t("next_window") : null) &&
	    step(answer?.ret_code === 0, t("test_answer"), answer ? (answer.ret_code ? answer_text(answer) : null) : t("next_answer"))) {
		step(true, t("test_version", { version: answer.serverVersion ?? "?" }));
		byId("sign").disabled = !card_steps(answer);
	}
	fill(byId("end"), make("p", {}, t("test_over")));
	byId("start").disabled = false;
}

async function sign() {
	byId("sign").disabled = true;
	byId("start").disabled = true;
	const answer = await ask({ func: "MakeSignature", tbs: test_text, tbsEncoding: "NONE", hashAlgorithm: "SHA256", signatureType: "PKCS1" });
	const next = answer === undefined ? t("next_window") : answer === null ? t("next_answer") : answer.ret_code ? answer_text(answer) : null;

	step(answer?.ret_code === 0, t("test_pin"), next);
	step(answer?.ret_code === 0 && Boolean(answer.signature), t("test_signature"));
	end(byId("sign"));
}

document.title = `${t("self_test")} - twcard`;
translate(document);
byId("start").addEventListener("click", start);
byId("sign").addEventListener("click", sign);
