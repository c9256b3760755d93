// Elements made by hand: whatever is said or named in a recording becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (or `on…` listeners) and children, of which strings become text. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** One of the icons that index.html holds. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  made.append(use);
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Say something to those who listen to the page rather than look at it. */
export function announce(sentence) {
  byId("status").textContent = sentence;
}

/** A sentence that everybody sees for some seconds. */
export function toast(sentence) {
  document.querySelector(".toast")?.remove();
  const shown = el("p", { class: "toast" }, sentence);
  document.body.append(shown);
  announce(sentence);
  setTimeout(() => shown.remove(), 6000);
}
