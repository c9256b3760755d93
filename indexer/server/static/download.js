// Downloads of a recording.

import { el, icon } from "./dom.js";

const TRANSCRIPTS = [["srt", "Subtitles", "SRT"], ["vtt", "Subtitles", "VTT"], ["text", "Text", "TXT"], ["json", "Words with times", "JSON"]];

/** Menu with the formats of the transcript of a recording. */
export function transcriptMenu(recording) {
  const address = (form) => `/api/recordings/${encodeURIComponent(recording.id)}/transcript?format=${form}`;
  const links = TRANSCRIPTS.map(([form, name, suffix]) =>
    el("li", {}, el("a", { href: address(form), download: true }, name, " ", el("span", { class: "suffix" }, suffix))));
  const summary = el("summary", {}, icon("download"), "Download transcript");
  const menu = el("details", { class: "menu", onkeydown: (event) => event.key === "Escape" && close(event), ontoggle: () => watch() },
    summary, el("ul", { onclick: () => menu.removeAttribute("open") }, ...links));
  const close = (event) => {
    if (!menu.open) return;
    event.stopPropagation();
    menu.open = false;
    summary.focus();
  };
  const leave = (event) => menu.contains(event.target) || (menu.open = false);
  const watch = () => ["pointerdown", "focusin"].forEach((name) =>
    menu.open ? document.addEventListener(name, leave) : document.removeEventListener(name, leave));
  return menu;
}
