// Times, numbers and names as text.

const twoDigits = (number) => String(number).padStart(2, "0");

/** 0:43, 12:05, 1:02:03 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
}

/** For screen readers: 1 hour 2 minutes 3 seconds */
export function spoken(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  return parts.filter(([number]) => number).map(([number, unit]) => count(number, unit)).join(" ") || "0 seconds";
}

/** 45 s, 12 min, 3.5 h */
export function duration(seconds) {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} h`;
}

/** 1 hit, 2,000 hits */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export const percent = (share) => `${Math.round(share * 100)} %`;

const components = (path) => path.split("/");

/** File name as a title: without suffix, underscores and hyphens. */
export function title(path) {
  const name = components(path).pop();
  const stem = name.replace(/(.)\.[^.]{1,5}$/, "$1").replace(/_+/g, " ");
  return (stem.includes(" ") ? stem : stem.replace(/(?<=[a-z])-(?=[a-z])/gi, " ")) || path;
}

/** The transcript file of a recording without media. */
export const transcriptFile = (path) => components(path).slice(0, -1).join("/");

/** Reason why a recording has no sound to play; null if it has. */
export function silence(recording) {
  if (recording.has_media === false) return recording.has_file === false ? "only a transcript, whose file is gone" : "only a transcript";
  return recording.has_file === false ? "its file is gone" : null;
}

/** The last two folders of a recording, or of the transcript that its words are from. */
export function folder(recording) {
  const parents = components(recording.path).slice(0, recording.has_media === false ? -2 : -1);
  return parents.length > 3 ? `…/${parents.slice(-2).join("/")}` : parents.join("/") || "/";
}
