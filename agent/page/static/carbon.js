// The colour of energy by the carbon in it.

const STOPS = [
  [0.0, [42, 157, 143]],
  [0.2, [122, 179, 124]],
  [0.45, [228, 190, 92]],
  [0.7, [222, 112, 72]],
  [1.0, [147, 36, 48]],
];

/** The top of the scale, kg per kWh; what is above looks like it. */
export const TOP = 1;

/** A CSS colour for an intensity in kg per kWh, or the colour of "not defined". */
export function colour(intensity) {
  if (intensity === null) return "var(--no-carbon)";
  const x = Math.min(Math.max(intensity / TOP, 0), 1);
  const above = Math.max(1, STOPS.findIndex(([stop]) => stop >= x));
  const [low, from] = STOPS[above - 1];
  const [high, to] = STOPS[above];
  const share = (x - low) / (high - low);
  const mixed = from.map((part, i) => Math.round(part + (to[i] - part) * share));
  return `rgb(${mixed.join(" ")})`;
}
