// The player at the foot of the page.

import { byId, icon, toast } from "./dom.js";
import { player } from "./player.js";
import { clock, spoken, title } from "./telling.js";
import { Waveform } from "./waveform.js";

const LINE = matchMedia("(max-width: 40rem)").matches ? 5 : 10; // words of the caption

let strip = null;

/** The link to the moment that is being played. */
export function momentLink() {
  const { recording, time } = player;
  return new URL(`/r/${encodeURIComponent(recording.id)}?t=${Math.round(time * 10) / 10}`, location.href).href;
}

export async function copyLink() {
  if (!player.recording) return;
  const link = momentLink();
  try {
    await navigator.clipboard.writeText(link);
    toast(`The link to ${clock(player.time)} is copied.`);
  } catch {
    toast(link); // without https there is no clipboard
  }
}

function load() {
  const { recording } = player;
  byId("player").hidden = false;
  document.body.classList.add("docked");
  byId("title").textContent = title(recording.path);
  byId("length").textContent = clock(recording.duration);
  byId("caption").replaceChildren();
  strip?.close();
  strip = new Waveform(recording, { onseek: (time) => player.seek(time) });
  const slider = byId("strip");
  slider.replaceChildren(strip.element);
  slider.setAttribute("role", "slider");
  slider.setAttribute("tabindex", "0");
  slider.setAttribute("aria-label", "Place in the recording");
  slider.setAttribute("aria-valuemin", "0");
  slider.setAttribute("aria-valuemax", String(Math.round(recording.duration)));
  state();
  time();
}

function state() {
  const button = byId("toggle");
  button.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  button.replaceChildren(icon(player.playing ? "pause" : "play"));
  document.body.classList.toggle("sounding", player.playing);
}

let second = -1;

function time() {
  strip.show(player.time);
  if (Math.floor(player.time) === second) return;
  second = Math.floor(player.time);
  byId("elapsed").textContent = clock(player.time);
  byId("strip").setAttribute("aria-valuenow", String(second));
  byId("strip").setAttribute("aria-valuetext", spoken(player.time));
  byId("title").href = `/r/${encodeURIComponent(player.recording.id)}?t=${second}`;
}

function word() {
  const { words, index } = player;
  const said = (from, to) => {
    const texts = [];
    for (let n = Math.max(from, 0); n < to; n += 1) texts.push(words.word(n)?.text ?? "");
    return texts.join(" ");
  };
  const now = document.createElement("b");
  now.textContent = words.word(index).text;
  const first = index - (index % LINE);
  byId("caption").replaceChildren(`${said(first, index)} `, now, ` ${said(index + 1, first + LINE)}`);
}

/** Marks the hits of a search on the strip of the recording that plays. */
export function markStrip(id, hits) {
  if (strip && player.recording?.id === id) strip.mark(hits);
}

export function startDock() {
  player.addEventListener("load", load);
  player.addEventListener("state", state);
  player.addEventListener("time", time);
  player.addEventListener("word", word);
  byId("toggle").addEventListener("click", () => player.toggle());
  byId("speed").addEventListener("change", (event) => player.speed(Number(event.target.value)));
  byId("copy").addEventListener("click", copyLink);
  byId("strip").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60 }[event.key];
    if (step) player.seek(player.time + step);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.duration - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
