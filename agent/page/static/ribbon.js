// Shapes of flows, as SVG path data.

/** A band of `width` along a route of points: curved between boxes, straight in lanes. */
export function ribbon(points, width) {
  const half = width / 2;
  const back = [...points].reverse();
  return `M${at(points[0], -half)}${edge(points, -half)}L${at(back[0], half)}${edge(back, half)}Z`;
}

function edge(points, shift) {
  let path = "";
  for (let i = 1; i < points.length; i += 1) {
    const middle = (points[i - 1].x + points[i].x) / 2;
    const from = round(points[i - 1].y + shift);
    const to = round(points[i].y + shift);
    path += `C${round(middle)} ${from} ${round(middle)} ${to} ${at(points[i], shift)}`;
  }
  return path;
}

/** An upright arrow between a pool (at `top`) and its storage: down when it charges. */
export function stem(x, top, bottom, width, rate) {
  const half = width / 2;
  const wing = Math.min(half + 7, half * 2 + 4);
  const tip = 11;
  const [from, to] = rate < 0 ? [bottom, top] : [top, bottom];
  const neck = to + (rate < 0 ? tip : -tip);
  const corners = [
    [x - half, from], [x - half, neck], [x - wing, neck], [x, to],
    [x + wing, neck], [x + half, neck], [x + half, from],
  ];
  return `M${corners.map(([cx, cy]) => `${round(cx)} ${round(cy)}`).join("L")}Z`;
}

function at(point, shift) {
  return `${round(point.x)} ${round(point.y + shift)}`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
