// The connection to the agent: snapshots in, and how old the last one is.

const RETRY_MS = 3000;
const STALE_S = 4;

/**
 * Follow the agent: `onSnapshot(snapshot)` for each one that comes,
 * `onAge(ageS, isStale)` each second; `ageS` is null before the first one.
 */
export function follow(onSnapshot, onAge) {
  let source = null;
  let receivedAt = null;

  function take(text) {
    receivedAt = performance.now();
    onSnapshot(JSON.parse(text));
    tell();
  }

  function tell() {
    const ageS = receivedAt === null ? null : (performance.now() - receivedAt) / 1000;
    onAge(ageS, ageS === null || ageS > STALE_S);
  }

  function open() {
    if (source !== null || document.hidden) return;
    source = new EventSource("/api/events");
    source.onmessage = (event) => take(event.data);
    source.onerror = () => {
      close();
      setTimeout(open, RETRY_MS);
    };
  }

  function close() {
    source?.close();
    source = null;
  }

  async function begin() {
    const answer = await fetch("/api/snapshot");
    const text = await answer.text();
    if (answer.ok && receivedAt === null) take(text);
  }

  // A page that nobody looks at costs the gateway nothing.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  setInterval(tell, 1000);
  begin().catch(tell);
  open();
}
