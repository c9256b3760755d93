// Downloads: the menu of transcripts, and clips that the server makes on request.

import { ApiError, sentence } from "./api.js";
import { el, icon, toast } from "./dom.js";

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

const FORMATS = ["mp3", "m4a", "opus", "flac", "wav"]; // of clips, the default first

/** Choice of the format of clips, kept for the next one. */
export function formatChoice() {
  const kept = localStorage.getItem("clip-format");
  const select = el("select", { "aria-label": "Format of the clip", onchange: () => localStorage.setItem("clip-format", select.value) },
    ...FORMATS.map((form) => new Option(form, form, false, form === kept)));
  return select;
}

/** True if the server has the sound of a recording, as far as it knows. */
export const hasSound = (recording) => recording.has_media !== false && recording.has_file !== false;

/** Save the file of a response of the API, and say so; an error is thrown with the message of the server. */
export async function save(path, options = {}) {
  let response;
  let content;
  try {
    response = await fetch(`/api${path}`, options);
    content = response.ok ? await response.blob() : await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer; is it still running?");
  }
  if (response.status === 401) location.reload();
  if (!response.ok) throw new ApiError(sentence(content.error));
  const name = decodeURIComponent(response.headers.get("content-disposition")?.match(/filename\*=UTF-8''([^;]+)/)?.[1] ?? "clip");
  const link = el("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(`Saved as ${name}.`);
}
