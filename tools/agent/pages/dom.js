/*
 * Elements from code. What comes from a card, a site or the agent becomes text, never markup:
 * nothing here reads HTML.
 */

import { t } from "./texts.js";

/* Control characters, and those that turn the direction of the text around them. */
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/* Foreign text as it may be shown: what cannot be seen is shown as a sign of its own. */
export function plain(value) {
	return String(value ?? "").replace(hidden, "\ufffd");
}

/*
 * make("p", {class: "note", onclick: f}, "text", element, ...): a child that is no element is
 * text. Attributes that are false or null are left out.
 */
export function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, value === true ? "" : value);
	}
	add(element, ...children);
	return element;
}

export function add(element, ...children) {
	for (const child of children.flat()) {
		if (child !== null && child !== undefined && child !== false)
			element.append(child instanceof Node ? child : document.createTextNode(plain(child)));
	}
}

export function fill(element, ...children) {
	element.replaceChildren();
	add(element, ...children);
}

/* Foreign text in a line of ours: it keeps its own direction, and cannot run out of the page. */
export function foreign(value, attributes) {
	return make("bdi", { class: "foreign", ...attributes }, value);
}

export function byId(id) {
	return document.getElementById(id);
}

/* rows: [name, value] of what is known; a value that is null is left out. */
export function facts(rows) {
	const list = make("dl", {});

	for (const [name, value] of rows) {
		if (value !== null && value !== undefined && value !== "")
			list.append(make("div", {}, make("dt", {}, name), make("dd", {}, value instanceof Node ? value : foreign(value))));
	}
	return list;
}

/* The texts of the page itself: data-text on an element, data-label for its aria-label. */
export function translate(root) {
	for (const element of root.querySelectorAll("[data-text]"))
		element.textContent = t(element.dataset.text);
	for (const element of root.querySelectorAll("[data-label]"))
		element.setAttribute("aria-label", t(element.dataset.label));
}

/* Said to a screen reader; the same text twice is said twice. */
export function say(text) {
	const place = byId("spoken");

	place.textContent = "";
	place.textContent = plain(text);
}

/* An error where it belongs, read out at once. */
export function showProblem(place, text, next) {
	fill(place, text ? make("p", { class: "bad", role: "alert" }, make("strong", {}, text), next ? " " : null, next ?? null) : null);
}

/*
 * act() once, when the window is closed. Which of the two events still comes, and can send something,
 * differs from browser to browser.
 */
export function when_closed(act) {
	let done = false;

	for (const name of ["beforeunload", "pagehide"]) {
		window.addEventListener(name, () => {
			if (!done)
				act();
			done = true;
		});
	}
}

/* The agent need not wait for somebody who is no longer there. */
export function tell_closed(token) {
	navigator.sendBeacon("/consent/closed", JSON.stringify({ token }));
}

export function date(seconds) {
	if (typeof seconds !== "number" || !Number.isFinite(seconds))
		return null;
	const when = new Date(seconds * 1000);
	return Number.isNaN(when.getTime()) ? null : when.toISOString().slice(0, 10);
}
