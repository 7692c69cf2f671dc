// How numbers are written.

export function clock(seconds, tenths = false) {
  const whole = Math.max(0, tenths ? Math.floor(10 * seconds) / 10 : Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor((whole % 3600) / 60)).padStart(2, "0");
  const rest = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
  return hours ? `${hours}:${minutes}:${rest}` : `${minutes}:${rest}`;
}

export function count(number) {
  return number.toLocaleString("en-GB").replaceAll(",", "\u202f");
}

// True where the state is unsure because the voice is unlike all that the classifier was trained on.
export function isUnlike(state) {
  return state?.reason === "distance";
}

export function statusOf(state) {
  if (isUnlike(state)) return "unsure (unlike the training data)";
  return { ok: "", unsure: "unsure", no_speech: "no speech" }[state.status] ?? state.status;
}

export function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  if (content !== "") made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
