/* A PIN is typed here, goes to the agent once, and is taken out of its field at once. */

import { Refused, call } from "./api.js";
import { add, byId, fill, foreign, make, showProblem } from "./dom.js";
import { choose, t } from "./texts.js";

/* What the card signs to show that the PIN is right. Nobody gets the signature. */
const test_text = "twcard: the PIN is checked, and this signature thrown away";

/* What an answer says of itself, with its code as people look for it. */
export function answer_text(answer) {
	const code = value => `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, "0")}`;

	return [
		foreign([answer.message, answer.message2].filter(Boolean).join(" ") || t("failed")),
		` (${code(answer.ret_code)}${answer.last_error ? `, ${code(answer.last_error)}` : ""})`,
	];
}

export function error_text(error) {
	if (error instanceof Refused)
		return error.text ? choose(error.text) : error.word;
	return t("agent_gone");
}

function field(name, text, visible) {
	return [
		make("label", { for: name }, t(text)),
		make("input", {
			id: name, name, type: visible ? "text" : "password", autocomplete: "off", maxlength: "64", required: true,
			inputmode: visible ? null : "numeric",
		}),
	];
}

/* The values, by name; the fields of secrets are empty afterwards. */
function take(form) {
	const values = {};

	for (const input of form.querySelectorAll("input")) {
		values[input.name] = input.value;
		if (input.type === "password")
			input.value = "";
	}
	return values;
}

/* The agent wants a word typed before the last try. */
function ask_typed(form, word) {
	const place = form.querySelector(".confirmation");

	fill(place, make("p", { class: "warn", role: "alert" }, t("why_last_try")),
		make("label", { for: "typed" }, t("type_this", { word })),
		make("input", { id: "typed", name: "typed", type: "text", autocomplete: "off", required: true }));
	form.querySelector("input").focus();
}

/*
 * A dialog with fields. refuse(values): null, or which text says what is wrong with them.
 * act(values): the agent's answer. finished(answer): what is said when it went well; null:
 * the dialog closes. Its promise is for whether it went well.
 */
export function pin_dialog({ title, notes, fields, button, refuse, act, finished }) {
	return new Promise(resolve => {
		const before = document.activeElement;
		const problem = make("div", {});
		const send = make("button", { type: "submit", class: "main" }, t(button));
		const form = make("form", {}, notes, ...fields.flatMap(([name, text, visible]) => field(name, text, visible)),
			make("div", { class: "confirmation" }), problem,
			make("div", { class: "buttons" }, send,
				make("button", { type: "button", onclick: () => box.close() }, t("cancel"))));
		const box = make("dialog", { "aria-labelledby": "dialog-title" },
			make("h2", { id: "dialog-title" }, title), form);
		let good = false;

		async function submit() {
			const values = take(form);
			const wrong = refuse?.(values);

			if (wrong) {
				showProblem(problem, t(wrong));
				form.querySelector("input").focus();
				return;
			}
			send.disabled = true;
			try {
				const answer = await act(values);

				if (answer.state === "typed") {
					ask_typed(form, answer.typed);
				} else if (answer.ret_code === 0) {
					good = true;
					const text = finished(answer);
					if (text === null)
						box.close();
					else
						fill(form, make("p", { class: "good", role: "alert" }, text), make("div", { class: "buttons" },
							make("button", { type: "button", class: "main", autofocus: true, onclick: () => box.close() }, t("close"))));
				} else {
					fill(problem, make("p", { class: "bad", role: "alert" }, answer_text(answer)));
					fill(form.querySelector(".confirmation"));
				}
			} catch (error) {
				showProblem(problem, error_text(error));
			}
			send.disabled = false;
		}

		form.addEventListener("submit", event => {
			event.preventDefault();
			if (!send.disabled)
				submit();
		});
		box.addEventListener("close", () => {
			box.remove();
			before?.focus();
			resolve(good);
		});
		add(document.body, box);
		box.showModal();
		byId(fields[0][0]).focus();
	});
}

export function check_pin(reader) {
	return pin_dialog({
		title: t("pin_check"),
		notes: [make("p", {}, foreign(reader.name)), make("p", { class: "faint" }, t("pin_check_means"))],
		fields: [["pin", "pin"]],
		button: "pin_check",
		act: values => call("call", {
			func: "MakeSignature", tbs: test_text, tbsEncoding: "NONE", hashAlgorithm: "SHA256", signatureType: "PKCS1",
			slotDescription: reader.name, ...values,
		}),
		finished: () => t("pin_right"),
	});
}

export function change_pin(reader) {
	return pin_dialog({
		title: t("pin_change"),
		notes: [
			make("p", {}, foreign(reader.name)),
			make("p", { class: "warn" }, t("pin_change_unproven")),
		],
		fields: [["currentPIN", "pin_now"], ["newpin", "pin_new"], ["again", "pin_again"]],
		button: "pin_change",
		refuse: values => (values.newpin === values.again ? null : "pin_differs"),
		act: ({ again: _again, ...values }) => call("call", {
			func: "changeUserPINCode", readername: reader.name, slotDescription: reader.name, cardid: reader.token.serialNumber, ...values,
		}),
		finished: () => t("pin_changed"),
	});
}
