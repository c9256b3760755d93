// Title, artist, album, date and cover in the file of a recording.

import { get } from "./api.js";
import { el } from "./dom.js";
import { title } from "./format.js";

/** Show the tags of a recording at its heading; without any, the heading is the name of the file. */
export async function showTags(recording, heading, signal) {
  if (!recording.has_media) return;
  const path = `/recordings/${encodeURIComponent(recording.id)}`;
  const tags = await get(`${path}/tags`, {}, signal).catch(() => null);
  if (!tags || signal?.aborted || !heading.parentElement) return;
  if (tags.title) {
    heading.textContent = tags.title;
    document.title = document.title.replace(title(recording.path), () => tags.title);
  }
  const facts = [tags.artist, tags.album === tags.title ? null : tags.album, tags.date].filter(Boolean);
  if (facts.length) heading.after(el("p", { class: "tags" }, facts.join(" · ")));
  if (tags.has_cover) {
    const image = el("img", { class: "cover", src: `/api${path}/cover`, alt: "", width: 96, height: 96, onerror: () => image.remove() });
    heading.before(image);
  }
}
