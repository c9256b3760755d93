// The player at the bottom of the page.

import { byId, icon } from "./dom.js";
import { player } from "./player.js";
import { copy } from "./quote.js";
import { clock, spoken, title } from "./format.js";
import { Waveform } from "./waveform.js";

const CAPTION_WORDS = matchMedia("(max-width: 40rem)").matches ? 5 : 10;

let waveform = null;

/** Permalink to the current time of the recording. */
export function permalink() {
  const { recording, time } = player;
  return new URL(`/r/${encodeURIComponent(recording.id)}?t=${Math.round(time * 10) / 10}`, location.href).href;
}

/** Copy the permalink, or show it where there is no clipboard. */
export async function copyLink() {
  if (!player.recording) return;
  await copy(permalink(), `Link to ${clock(player.time)} copied.`);
}

function showRecording() {
  const { recording } = player;
  byId("player").hidden = false;
  document.body.classList.add("docked");
  byId("title").textContent = title(recording.path);
  byId("length").textContent = clock(recording.duration);
  byId("caption").replaceChildren();
  waveform?.close();
  waveform = new Waveform(recording, { onseek: (time) => player.seek(time) });
  const slider = byId("strip");
  slider.replaceChildren(waveform.element);
  slider.setAttribute("role", "slider");
  slider.setAttribute("tabindex", "0");
  slider.setAttribute("aria-label", "Position in the recording");
  slider.setAttribute("aria-valuemin", "0");
  slider.setAttribute("aria-valuemax", String(Math.round(recording.duration)));
  showState();
  showTime();
}

function showState() {
  const button = byId("toggle");
  button.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  button.replaceChildren(icon(player.playing ? "pause" : "play"));
  document.body.classList.toggle("is-playing", player.playing);
}

let second = -1; // shown last

function showTime() {
  waveform.setTime(player.time);
  if (Math.floor(player.time) === second) return;
  second = Math.floor(player.time);
  byId("elapsed").textContent = clock(player.time);
  byId("strip").setAttribute("aria-valuenow", String(second));
  byId("strip").setAttribute("aria-valuetext", spoken(player.time));
  byId("title").href = `/r/${encodeURIComponent(player.recording.id)}?t=${second}`;
}

function showCaption() {
  const { words, index } = player;
  const text = (start, end) => {
    const texts = [];
    for (let n = Math.max(start, 0); n < end; n += 1) texts.push(words.word(n)?.text ?? "");
    return texts.join(" ");
  };
  const current = document.createElement("b");
  current.textContent = words.word(index).text;
  const first = index - (index % CAPTION_WORDS);
  byId("caption").replaceChildren(`${text(first, index)} `, current, ` ${text(index + 1, first + CAPTION_WORDS)}`);
}

/** Mark hits in the waveform of the player, if it has this recording. */
export function markHits(id, hits) {
  if (waveform && player.recording?.id === id) waveform.setHits(hits);
}

/** Connect the controls with the player. */
export function startDock() {
  player.addEventListener("load", showRecording);
  player.addEventListener("state", showState);
  player.addEventListener("time", showTime);
  player.addEventListener("word", showCaption);
  byId("toggle").addEventListener("click", () => player.toggle());
  byId("speed").addEventListener("change", (event) => player.setSpeed(Number(event.target.value)));
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
