// The words of a recording, read in chunks as they are needed.

import { get } from "./api.js";

export const CHUNK = 400;

export class Words {
  constructor(id) {
    this.id = id;
    this.total = null; // known with the first chunk
    this.chunks = new Map(); // number → words
    this.waiting = new Map(); // number → promise of words
  }

  /** The words of a chunk. */
  load(number) {
    if (!this.waiting.has(number)) {
      this.waiting.set(number, this.read({ offset: number * CHUNK }).catch((error) => {
        this.waiting.delete(number);
        throw error;
      }));
    }
    return this.waiting.get(number);
  }

  async read(where) {
    const answer = await get(`/recordings/${encodeURIComponent(this.id)}/transcript`, { ...where, limit: CHUNK });
    this.total = answer.total;
    if (where.offset !== undefined) this.chunks.set(answer.offset / CHUNK, answer.words);
    return where.offset !== undefined ? answer.words : answer;
  }

  word(index) {
    return this.chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  /** The place of the word that is said at a time, or that comes next. */
  async at(time) {
    const known = this.find(time);
    if (known !== null) return known;
    const answer = await this.read({ at: Math.max(0, time), limit: 1 });
    if (!answer.total) return 0;
    await this.load(Math.floor(answer.offset / CHUNK));
    return answer.offset;
  }

  /** The same, if the chunk is here; null if not. */
  find(time) {
    for (const [number, words] of this.chunks) {
      if (!words.length || time < words[0].start || time >= words[words.length - 1].end) continue;
      let low = 0;
      let high = words.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (words[middle].end > time) high = middle;
        else low = middle + 1;
      }
      return number * CHUNK + low;
    }
    return null;
  }
}

const kept = new Map();

/** The words of a recording, the same object each time. */
export function wordsOf(id) {
  if (!kept.has(id)) {
    if (kept.size > 8) kept.delete(kept.keys().next().value);
    kept.set(id, new Words(id));
  }
  return kept.get(id);
}
