// Draws the marks of assets, clusters, arrows and gauges. What it is stands in the middle, how it is in shape and colour,
// so that neither needs the other: an octagon is the worst with or without its red.

import type { AssetState } from '../asset_book.ts';
import type { Theme } from '../preferences.ts';
import { stateColour } from '../states.ts';

const RATIO = 2;
export const FEEDS = ['ev', 'water', 'parking', 'emergency', 'tax', 'unknown'] as const;
export const STATES: readonly AssetState[] = ['I', 'II', 'III', 'IV', 'ok', 'unseen'];

export interface Mark {
  name: string;
  image: ImageData;
  ratio: number;
}

type Shape = (context: CanvasRenderingContext2D, centre: number, radius: number) => void;

function polygon(corners: number, turn: number): Shape {
  return (context, centre, radius) => {
    context.beginPath();
    for (let corner = 0; corner < corners; corner += 1) {
      const angle = turn + (2 * Math.PI * corner) / corners;
      context.lineTo(centre + radius * Math.cos(angle), centre + radius * Math.sin(angle));
    }
    context.closePath();
  };
}

const circle: Shape = (context, centre, radius) => {
  context.beginPath();
  context.arc(centre, centre, radius, 0, 2 * Math.PI);
  context.closePath();
};

const SHAPES: Record<AssetState, Shape> = {
  I: polygon(8, Math.PI / 8),
  II: polygon(4, 0), // a diamond
  III: (context, centre, radius) => polygon(3, -Math.PI / 2)(context, centre, radius * 1.12),
  IV: polygon(4, Math.PI / 4), // a square
  ok: circle,
  unseen: circle,
};
const RADII: Record<AssetState, number> = { I: 14, II: 15, III: 14, IV: 14, ok: 10, unseen: 9 };

// Drawn in a box of 24 by 24.
const GLYPHS: Record<(typeof FEEDS)[number], string> = {
  ev: 'M13.5 3 6 13.5h4.5L9.5 21 18 9.8h-5z',
  water: 'M12 3c3.6 4.6 5.8 7.6 5.8 10.6A5.8 5.8 0 0 1 12 20a5.8 5.8 0 0 1-5.8-6.4c0-3 2.2-6 5.8-10.6z',
  parking: 'M8 20V4h5.2a5 5 0 0 1 0 10H11v6zM11 7v4h2a2 2 0 0 0 0-4z',
  emergency: 'M10 4h4v6h6v4h-6v6h-4v-6H4v-4h6z',
  tax: 'M5 20V8l7-4 7 4v12h-5v-5h-4v5z',
  unknown: 'M10 10h4v4h-4z',
};

/** The path of a feed's sign, for drawings outside the map. */
export function feedPath(feed: string | null): string {
  return GLYPHS[(feed ?? 'unknown') as keyof typeof GLYPHS] ?? GLYPHS.unknown;
}

export function allMarks(theme: Theme): Mark[] {
  const marks: Mark[] = [];
  for (const state of STATES) {
    for (const feed of FEEDS) marks.push(drawn(`asset-${feed}-${state}`, 34, (context, size) => asset(context, size, feed, state, theme)));
    marks.push(drawn(`cluster-${state}`, 46, (context, size) => cluster(context, size, state, theme)));
  }
  marks.push(drawn('arrow', 20, (context, size) => arrow(context, size, theme)));
  marks.push(drawn('arrow-move', 26, (context, size) => arrow(context, size, theme, '#7A3FF2')));
  for (let tenth = 0; tenth <= 12; tenth += 1) marks.push(drawn(`gauge-${tenth}`, 40, (context, size) => gauge(context, size, tenth / 10, theme)));
  return marks;
}

function asset(context: CanvasRenderingContext2D, size: number, feed: (typeof FEEDS)[number], state: AssetState, theme: Theme): void {
  const centre = size / 2;
  const colour = stateColour(state);
  const calm = state === 'ok' || state === 'unseen';
  SHAPES[state](context, centre, RADII[state]);
  context.fillStyle = calm ? ground(theme) : colour;
  context.fill();
  context.lineWidth = calm ? 2 : 1.5;
  context.strokeStyle = calm ? colour : edge(theme);
  if (state === 'unseen') context.setLineDash([3, 2.5]);
  context.stroke();
  context.setLineDash([]);
  const glyph = calm ? 13 : 15;
  context.translate(centre - glyph / 2, centre - glyph / 2 + (state === 'III' ? 2 : 0));
  context.scale(glyph / 24, glyph / 24);
  context.fillStyle = calm ? (theme === 'light' ? '#3a4552' : '#d5dce4') : onColour(colour);
  context.fill(new Path2D(GLYPHS[feed]), 'evenodd');
}

function cluster(context: CanvasRenderingContext2D, size: number, state: AssetState, theme: Theme): void {
  const centre = size / 2;
  const calm = state === 'ok' || state === 'unseen';
  circle(context, centre, 17);
  context.fillStyle = ground(theme);
  context.fill();
  context.lineWidth = 3;
  context.strokeStyle = stateColour(state);
  if (state === 'unseen') context.setLineDash([4, 3]);
  context.stroke();
  context.setLineDash([]);
  if (calm) return;
  // The worst state in it stands as its own shape on the rim.
  context.save();
  context.translate(size - 15, 0);
  SHAPES[state](context, 7.5, 7);
  context.fillStyle = stateColour(state);
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = edge(theme);
  context.stroke();
  context.restore();
}

function arrow(context: CanvasRenderingContext2D, size: number, theme: Theme, colour = theme === 'light' ? '#005f73' : '#5ad1e6'): void {
  const centre = size / 2;
  context.beginPath();
  context.moveTo(centre, 2);
  context.lineTo(size - 3, size - 3);
  context.lineTo(centre, size - 7);
  context.lineTo(3, size - 3);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = edge(theme);
  context.stroke();
}

function gauge(context: CanvasRenderingContext2D, size: number, share: number, theme: Theme): void {
  const centre = size / 2;
  const radius = 16;
  const colour = share >= 1 ? stateColour('I') : share >= 0.8 ? stateColour('II') : '#2a9d8f';
  context.lineWidth = 6;
  context.strokeStyle = theme === 'light' ? '#ffffffee' : '#11161ccc';
  context.beginPath();
  context.arc(centre, centre, radius, 0, 2 * Math.PI);
  context.stroke();
  context.lineWidth = 4;
  context.strokeStyle = theme === 'light' ? '#cdd5dd' : '#46525f';
  context.beginPath();
  context.arc(centre, centre, radius, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = colour;
  context.beginPath();
  context.arc(centre, centre, radius, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * Math.min(share, 1));
  context.stroke();
}

function drawn(name: string, size: number, draw: (context: CanvasRenderingContext2D, size: number) => void): Mark {
  const canvas = document.createElement('canvas');
  canvas.width = size * RATIO;
  canvas.height = size * RATIO;
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.scale(RATIO, RATIO);
  context.lineJoin = 'round';
  draw(context, size);
  return { name, image: context.getImageData(0, 0, canvas.width, canvas.height), ratio: RATIO };
}

function ground(theme: Theme): string {
  return theme === 'light' ? '#ffffff' : '#1b222b';
}

function edge(theme: Theme): string {
  return theme === 'light' ? '#1c2733' : '#f4f7fa';
}

/** Black or white, whichever is read better on a colour. */
export function onColour(hex: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.22 ? '#10161d' : '#ffffff';
}

/** A canvas with the mark of a state, for lists and the legend. */
export function markCanvas(feed: string | null, state: AssetState, theme: Theme): HTMLCanvasElement {
  const known = FEEDS.find((each) => each === feed) ?? 'unknown';
  const canvas = document.createElement('canvas');
  canvas.width = 34 * RATIO;
  canvas.height = 34 * RATIO;
  canvas.className = 'mark';
  canvas.setAttribute('aria-hidden', 'true');
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.scale(RATIO, RATIO);
  context.lineJoin = 'round';
  asset(context, 34, known, state, theme);
  return canvas;
}
