/*
 * The card manager's calls. The token is this window's alone: it comes from the key that
 * 'twcard agent open' has put behind the # of the address, works once, and is taken away there
 * at once.
 */

const place = "twcard-token";

/* The agent's own refusals: word, and its text in both languages if it sent one. */
export class Refused extends Error {
	constructor(status, word, text) {
		super(word);
		this.status = status;
		this.word = word;
		this.text = text;
	}
}

async function post(url, body, token) {
	const reply = await fetch(url, {
		method: "POST",
		headers: { "Content-Type": "application/json", ...(token ? { "X-Twcard-Token": token } : {}) },
		body: JSON.stringify(body),
	});
	let answer;

	try {
		answer = await reply.json();
	} catch {
		throw new Refused(reply.status, "json");
	}
	if (!reply.ok)
		throw new Refused(reply.status, answer.error ?? "", answer.text);
	return answer;
}

export function call(name, body) {
	return post(`/manage/${name}`, body ?? {}, sessionStorage.getItem(place));
}

/*
 * A file, of any size: it goes to the agent on this machine as it is, and stays there under the name
 * that comes back. on_part(0 … 1) while it goes.
 */
export function send(name, file, on_part) {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();

		request.open("POST", `/manage/${name}`);
		request.setRequestHeader("Content-Type", "application/octet-stream");
		request.setRequestHeader("X-Twcard-Token", sessionStorage.getItem(place));
		request.responseType = "json";
		request.upload.addEventListener("progress", event => on_part(event.total ? event.loaded / event.total : 0));
		request.addEventListener("load", () => {
			const answer = request.response ?? {};

			if (request.status === 200)
				resolve(answer.upload);
			else
				reject(new Refused(request.status, answer.error ?? "", answer.text));
		});
		request.addEventListener("error", () => reject(new Error("gone")));
		request.send(file);
	});
}

export function forget_token() {
	sessionStorage.removeItem(place);
}

function take_key() {
	const key = new URLSearchParams(location.hash.slice(1)).get("key");

	if (key !== null)
		history.replaceState(null, "", location.pathname);
	return key;
}

/* True: there is a token. It may be one of an agent that has ended since. */
export async function log_in() {
	const key = take_key();

	if (key !== null)
		sessionStorage.setItem(place, (await post("/manage/login", { key })).token);
	return sessionStorage.getItem(place) !== null;
}

/*
 * on_state(state) with each state that the agent tells; on_lost() while it cannot be reached.
 * on_refused() when the token is no longer good, and nothing comes any more.
 */
export function watch(on_state, on_lost, on_refused) {
	const source = new EventSource(`/manage/events?token=${encodeURIComponent(sessionStorage.getItem(place))}`);
	let failures = 0;

	/* A stream that has ended well is followed by the next: only a second failure is one. */
	async function failed() {
		failures++;
		if (source.readyState === EventSource.CLOSED) {
			source.close();
			try {
				on_state(await call("state"));
			} catch (error) {
				if (error instanceof Refused && [401, 403].includes(error.status)) {
					on_refused();
					return;
				}
				on_lost();
			}
			setTimeout(() => watch(on_state, on_lost, on_refused), 3000);
		} else if (failures > 1) {
			on_lost();
		}
	}

	source.addEventListener("state", event => {
		failures = 0;
		on_state(JSON.parse(event.data));
	});
	source.addEventListener("error", failed);
}

/* The readers of a state: [{name, token or null}]. A token that is a text says that there is no usable card. */
export function readers(state) {
	return (state.info?.slots ?? []).map(slot => ({
		name: slot.slotDescription ?? "",
		token: slot.token && typeof slot.token === "object" ? slot.token : null,
		odd: typeof slot.token === "string",
	}));
}

export function certificates(token) {
	return Array.isArray(token?.certs) ? token.certs : [];
}

/* The holder's certificates, without those of authorities. */
export function is_own(certificate) {
	return !/ca\s?cert/i.test(certificate.label ?? "") && !/keyCertSign/.test(certificate.usage ?? "");
}

export function holder(token) {
	const own = certificates(token).find(is_own);

	return own?.subjectCN ?? own?.subjectDN ?? token.label ?? "";
}

export const days_left = certificate =>
	typeof certificate.notAfterT === "number" ? Math.floor((certificate.notAfterT * 1000 - Date.now()) / 86400000) : null;
