/* A file is signed: it goes to the agent on this machine, and its signature comes back as a file. */

import { call, certificates, holder, is_own, readers } from "./api.js";
import { add, byId, fill, foreign, make, plain, showProblem } from "./dom.js";
import { pin_dialog } from "./pin.js";
import { t } from "./texts.js";

/* What one request may have, in bytes: base64 makes it a third more. */
export const largest = 256 * 1024;

function to_base64(bytes) {
	let text = "";

	for (let i = 0; i < bytes.length; i += 4096)
		text += String.fromCharCode(...bytes.subarray(i, i + 4096));
	return btoa(text);
}

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
		class: "button", id: "signature", download: `${name}.p7m`,
		href: URL.createObjectURL(new Blob([from_base64(answer.signature)], { type: "application/pkcs7-mime" })),
	}, t("sign_save"));

	fill(place, make("p", { class: "good" }, t("signed")), foreign(`${name}.p7m`), " ", link);
	link.focus();
}

function request(signer, bytes, values) {
	return call("call", {
		func: "MakeSignature", tbs: to_base64(bytes), tbsEncoding: "base64", hashAlgorithm: "SHA256", signatureType: "PKCS7",
		withSigningTime: "true", withCert: "true", slotDescription: signer.reader, keyidb64: signer.id, ...values,
	});
}

export function sign(place) {
	const file = make("input", { type: "file", id: "file" });
	const choice = make("select", { id: "signer" });
	const problem = make("div", {});
	const result = make("div", { role: "status" });
	const button = make("button", { class: "main", type: "submit", id: "sign-now" }, t("sign_now"));
	const form = make("form", { class: "box" },
		make("p", {}, t("sign_means")),
		make("label", { for: "file" }, t("file")), file,
		make("label", { for: "signer" }, t("sign_with")), choice, problem,
		make("div", { class: "buttons" }, button));
	let known = "";
	let offered = [];

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

	async function submit() {
		const signer = offered[choice.selectedIndex];
		const chosen = file.files[0];

		showProblem(problem, null);
		fill(result);
		if (!signer || !chosen || chosen.size === 0 || chosen.size > largest) {
			showProblem(problem, t(!signer ? "sign_no_card" : !chosen || chosen.size === 0 ? "file_missing" : "file_large", { n: largest / 1024 }));
			return;
		}
		let bytes;
		try {
			bytes = new Uint8Array(await chosen.arrayBuffer());
		} catch {
			showProblem(problem, t("file_unread"));
			return;
		}
		let answer = null;
		const good = await pin_dialog({
			title: t("sign_file"),
			notes: [make("p", {}, foreign(chosen.name)), make("p", {}, plain(signer.text))],
			fields: [["pin", "pin"]],
			button: "sign_now",
			act: async values => (answer = await request(signer, bytes, values)),
			finished: () => null,
		});
		if (good)
			offer(result, chosen.name, answer);
	}

	form.addEventListener("submit", event => {
		event.preventDefault();
		submit();
	});
	add(place, form, result, make("p", { class: "faint" }, t("verify_means")));
	return { update, shown: () => byId("file")?.blur() };
}
