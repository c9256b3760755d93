// Elements without innerHTML: words and names of recordings are always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`on…`) and children; strings become text. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An icon; its symbol is in index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);

/** Announce a sentence to screen readers. */
export function announce(sentence) {
  byId("status").textContent = sentence;
}

/** Show and announce a sentence for six seconds. */
export function toast(sentence) {
  document.querySelector(".toast")?.remove();
  const element = el("p", { class: "toast" }, sentence);
  document.body.append(element);
  announce(sentence);
  setTimeout(() => element.remove(), 6000);
}
