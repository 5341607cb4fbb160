/* A file is signed: the agent on this machine makes its digest, and the signature comes back as a file beside it. */

import { call, certificates, holder, is_own, readers } from "./api.js";
import { add, byId, fill, foreign, make, plain, showProblem } from "./dom.js";
import { file_field, is_readable, send_file } from "./files.js";
import { error_text, pin_dialog } from "./pin.js";
import { t } from "./texts.js";

function from_base64(text) {
	return Uint8Array.from(atob(text), c => c.charCodeAt(0));
}

function can_sign(certificate) {
	return is_own(certificate) && (certificate.usage ?? "").split("|").includes("digitalSignature");
}

/* [{reader, serial, id, text}] of the certificates that sign. */
function signers(state) {
	return readers(state).filter(reader => reader.token).flatMap(reader =>
		certificates(reader.token).filter(can_sign).map(certificate => ({
			reader: reader.name, serial: reader.token.serialNumber, id: certificate.id,
			text: `${certificate.subjectCN ?? holder(reader.token)} (${reader.name})`,
		})));
}

function offer(place, name, answer) {
	const link = make("a", {
		class: "button", id: "signature", download: `${name}.p7s`,
		href: URL.createObjectURL(new Blob([from_base64(answer.signature)], { type: "application/pkcs7-signature" })),
	}, t("sign_save"));

	fill(place, make("p", { class: "good" }, t("signed")), foreign(`${name}.p7s`), " ", link);
	link.focus();
}

export function sign(place) {
	const [label, file] = file_field("file", "file");
	const choice = make("select", { id: "signer" });
	const problem = make("div", {});
	const way = make("div", {});
	const result = make("div", { role: "status" });
	const button = make("button", { class: "main", type: "submit", id: "sign-now" }, t("sign_now"));
	const form = make("form", { class: "box" },
		make("p", {}, t("sign_means")), label, file,
		make("label", { for: "signer" }, t("sign_with")), choice, problem, way,
		make("div", { class: "buttons" }, button));
	let known = "";
	let offered = [];
	let busy = false;

	function update(state) {
		const chosen = offered[choice.selectedIndex];
		const now = signers(state);

		if (JSON.stringify(now) === known)
			return;
		known = JSON.stringify(now);
		offered = now;
		fill(choice, now.map(signer => make("option", {
			selected: chosen && chosen.serial === signer.serial && chosen.id === signer.id,
		}, signer.text)));
		button.disabled = now.length === 0;
		showProblem(problem, now.length ? null : t("sign_no_card"));
	}

	async function sign_one(signer, chosen) {
		const name = await send_file("file", chosen, way);
		let answer = null;
		const good = await pin_dialog({
			title: t("sign_file"),
			notes: [make("p", {}, foreign(chosen.name)), make("p", {}, plain(signer.text))],
			fields: [["pin", "pin"]],
			button: "sign_now",
			act: async values => (answer = await call("sign", {
				file: name, slotDescription: signer.reader, keyidb64: signer.id, ...values,
			})),
			finished: () => null,
		});

		if (good)
			offer(result, chosen.name, answer);
	}

	async function submit() {
		const signer = offered[choice.selectedIndex];
		const chosen = file.files[0];

		showProblem(problem, null);
		fill(result);
		if (!signer || !chosen) {
			showProblem(problem, t(signer ? "file_missing" : "sign_no_card"));
			return;
		}
		if (!await is_readable(chosen)) {
			showProblem(problem, t("file_unread"));
			return;
		}
		busy = true;
		try {
			await sign_one(signer, chosen);
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
	return { update, shown: () => byId("file")?.blur() };
}
