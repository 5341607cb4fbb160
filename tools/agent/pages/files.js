/* Files that a person chooses, on their way to the agent. */

import { send } from "./api.js";
import { fill, make, say } from "./dom.js";
import { t } from "./texts.js";

/* Said at these parts of the way, for who does not see the bar. */
const said_at = [0.25, 0.5, 0.75];

/* A labelled field for a file: [label, input]. */
export function file_field(id, text) {
	return [make("label", { for: id }, t(text)), make("input", { type: "file", id })];
}

/* What the agent calls the file; the way is shown at `place`, which is empty afterwards. */
export async function send_file(name, file, place) {
	const bar = make("progress", { max: "1", value: "0", "aria-label": t("sending") });
	let next = 0;

	function on_part(part) {
		bar.value = part;
		while (next < said_at.length && part >= said_at[next] && part < 1)
			say(t("sent_part", { n: said_at[next++] * 100 }));
	}

	fill(place, bar);
	try {
		return await send(name, file, on_part);
	} finally {
		fill(place);
	}
}

/* Can it be read at all? A folder, or one that was removed since, cannot. */
export async function is_readable(file) {
	try {
		await file.slice(0, 1).arrayBuffer();
		return true;
	} catch {
		return false;
	}
}
