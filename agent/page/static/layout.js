// Where the boxes of the flow picture stand, and which way its ribbons take.
//
// Boxes stand in columns, from inflows (left) to uses (right). A ribbon that passes
// a column gets a lane of its own there, so that it never runs behind a box.

const BOX_GAP = 14;
const LANE_GAP = 7;

/**
 * Lay out `nodes` ({id, height, below}) and `links` ({id, from, to, lane}), sizes in
 * pixels, in `width` with boxes of `boxWidth`. `below` is space kept under a box.
 * Returns {height, boxes: id -> {x, y, height}, routes: id -> [{x, y}...]} where a
 * route holds the middle of the ribbon at each edge that it meets.
 */
export function layOut(nodes, links, width, boxWidth) {
  const cells = new Map(nodes.map((node) => [node.id, { ...node, ins: [], outs: [] }]));
  const last = assignColumns(cells, links);
  const hops = connect(cells, links);
  const columns = arrange(cells, last);
  const height = stack(columns);
  const step = last === 0 ? 0 : (width - boxWidth) / last;
  for (const cell of cells.values()) cell.x = cell.column * step;
  return { height, boxes: cells, routes: routesOf(links, hops, boxWidth) };
}

function assignColumns(cells, links) {
  const reach = new Map();
  const onPath = new Set();
  function reachOf(id) {
    if (reach.has(id)) return reach.get(id);
    if (onPath.has(id)) return 0;
    onPath.add(id);
    const next = links.filter((link) => link.from === id);
    const value = next.length ? 1 + Math.max(...next.map((link) => reachOf(link.to))) : 0;
    onPath.delete(id);
    reach.set(id, value);
    return value;
  }
  const last = Math.max(0, ...[...cells.keys()].map(reachOf));
  for (const cell of cells.values()) {
    const isFed = links.some((link) => link.to === cell.id);
    cell.column = isFed ? last - reach.get(cell.id) : 0;
  }
  return last;
}

// Split each link into hops between neighbouring columns; add the lanes it passes.
function connect(cells, links) {
  const hops = new Map();
  for (const link of links) {
    const path = [];
    let from = cells.get(link.from);
    const to = cells.get(link.to);
    for (let column = from.column + 1; column <= to.column; column += 1) {
      const id = `${link.id}@${column}`;
      const lane = { id, column, height: link.lane, below: 0, isLane: true, ins: [], outs: [] };
      const next = column === to.column ? to : lane;
      if (next === lane) cells.set(id, lane);
      const hop = { from, to: next, lane: link.lane };
      from.outs.push(hop);
      next.ins.push(hop);
      path.push(hop);
      from = next;
    }
    hops.set(link.id, path);
  }
  return hops;
}

// Order each column so that few ribbons cross.
function arrange(cells, last) {
  const columns = Array.from({ length: last + 1 }, () => []);
  for (const cell of cells.values()) columns[cell.column].push(cell);
  const number = (column) => column.forEach((cell, i) => (cell.rank = i / column.length));
  columns.forEach(number);
  for (let sweep = 0; sweep < 6; sweep += 1) {
    const isForward = sweep % 2 === 1;
    const order = isForward ? columns : [...columns].reverse();
    for (const column of order) {
      for (const cell of column) {
        const ranks = isForward ? cell.ins.map((hop) => hop.from.rank) : cell.outs.map((hop) => hop.to.rank);
        cell.wish = ranks.length ? ranks.reduce((a, b) => a + b) / ranks.length : cell.rank;
      }
      column.sort((a, b) => a.wish - b.wish);
      number(column);
    }
  }
  return columns;
}

// Give each cell its y: near what it is connected with, none over another.
function stack(columns) {
  const height = Math.max(...columns.map(heightOf));
  for (const column of columns) {
    let y = (height - heightOf(column)) / 2;
    for (const cell of column) {
      cell.y = y;
      y += cell.height + cell.below + gapAfter(cell);
    }
  }
  for (let round = 0; round < 24; round += 1) {
    const order = round % 2 ? columns : [...columns].reverse();
    for (const column of order) {
      for (const cell of column) pull(cell);
      separate(column, height);
    }
  }
  return height;
}

function gapAfter(cell) {
  return cell.isLane ? LANE_GAP : BOX_GAP;
}

function heightOf(column) {
  return column.reduce((sum, cell) => sum + cell.height + cell.below + gapAfter(cell), 0);
}

function pull(cell) {
  const ends = [...cell.ins.map((hop) => [hop.from, hop.lane]), ...cell.outs.map((hop) => [hop.to, hop.lane])];
  const weight = ends.reduce((sum, [, lane]) => sum + lane, 0);
  if (weight === 0) return;
  const middle = ends.reduce((sum, [end, lane]) => sum + lane * middleOf(end), 0) / weight;
  cell.y += (middle - middleOf(cell)) * 0.6;
}

function middleOf(cell) {
  return cell.y + cell.height / 2;
}

function separate(column, height) {
  let top = 0;
  for (const cell of column) {
    cell.y = Math.max(cell.y, top);
    top = cell.y + cell.height + cell.below + gapAfter(cell);
  }
  let bottom = height;
  for (const cell of [...column].reverse()) {
    cell.y = Math.min(cell.y, bottom - cell.height - cell.below);
    bottom = cell.y - gapAfter(cell);
  }
}

function routesOf(links, hops, boxWidth) {
  const all = [...hops.values()].flat();
  for (const cell of new Set(all.flatMap((hop) => [hop.from, hop.to]))) {
    attach(cell, cell.outs, (hop) => hop.to, "start");
    attach(cell, cell.ins, (hop) => hop.from, "end");
  }
  const routes = new Map();
  for (const link of links) {
    const points = hops.get(link.id).flatMap((hop) => [
      { x: hop.from.x + boxWidth, y: hop.start },
      { x: hop.to.x, y: hop.end },
    ]);
    routes.set(link.id, points);
  }
  return routes;
}

// Ribbons leave and reach a side of a box side by side, in the order of their far ends.
function attach(cell, hops, farEnd, name) {
  const total = hops.reduce((sum, hop) => sum + hop.lane, 0);
  let y = middleOf(cell) - total / 2;
  const inOrder = [...hops].sort((a, b) => middleOf(farEnd(a)) - middleOf(farEnd(b)));
  for (const hop of inOrder) {
    hop[name] = y + hop.lane / 2;
    y += hop.lane;
  }
}
