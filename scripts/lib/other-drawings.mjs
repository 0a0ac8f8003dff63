/**
 * Drawings that the built-in generator does not make, with questions that people would agree on: other outlines, shading, strokes,
 * tilts, letters. Squares of 256 pixels.
 */
export const otherDrawings = [
  {
    style: "outline only",
    body: `<rect width="256" height="256" fill="#fff"/><circle cx="128" cy="128" r="70" fill="none" stroke="#d31820" stroke-width="10"/>`,
    questions: [
      ["Which shape do you see?", ["circle", "ring"]],
      ["What is the colour of the background?", ["white"]],
    ],
  },
  {
    style: "crayon",
    body: `<filter id="f"><feTurbulence baseFrequency="0.05" numOctaves="3" seed="4"/><feDisplacementMap in="SourceGraphic" scale="14"/></filter>
      <rect width="256" height="256" fill="#fbf7ea"/>
      <g filter="url(#f)" stroke="#1f6b33" stroke-width="7" fill="none" stroke-linecap="round">
      <path d="M60 200L128 60L196 200Z"/><path d="M80 190L176 190M92 165L166 165M104 140L152 140M116 112L142 112"/></g>`,
    questions: [
      ["Which shape do you see?", ["triangle"]],
      ["What colour is the triangle?", ["green"]],
    ],
  },
  {
    style: "shaded",
    body: `<defs><radialGradient id="g" cx="0.35" cy="0.3"><stop offset="0" stop-color="#b9d3ff"/><stop offset="0.5" stop-color="#2a6cf0"/><stop offset="1" stop-color="#0b2a70"/></radialGradient></defs>
      <rect width="256" height="256" fill="#e8e8e8"/><ellipse cx="140" cy="206" rx="78" ry="14" fill="#b5b5b5"/><circle cx="128" cy="128" r="76" fill="url(#g)"/>`,
    questions: [
      ["What colour is the circle?", ["blue"]],
      ["Is there a star in the picture?", ["no"]],
    ],
  },
  {
    style: "pixels",
    body: `<rect width="256" height="256" fill="#ffe033"/>${pixels([".XX.XX.", "XXXXXXX", "XXXXXXX", ".XXXXX.", "..XXX..", "...X..."], "#d31820", 44, 52, 24)}`,
    questions: [
      ["Name the shape.", ["heart"]],
      ["What colour is the background?", ["yellow"]],
    ],
  },
  {
    style: "tilted",
    body: `<rect width="256" height="256" fill="#fff"/><g fill="#8a2bc2"><rect x="40" y="90" width="76" height="76" transform="rotate(23 78 128)"/></g>
      <path d="M190 84L222 150H158Z" fill="#ff8c1a" transform="rotate(-20 190 120)"/>`,
    questions: [
      ["What colour is the square?", ["purple"]],
      ["What is to the right of the square?", ["triangle"]],
    ],
  },
  {
    style: "hatched",
    body: `<defs><pattern id="h" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="12" fill="#111"/></pattern></defs>
      <rect width="256" height="256" fill="#fff"/><rect x="58" y="58" width="140" height="140" fill="url(#h)" stroke="#111" stroke-width="4"/>`,
    questions: [
      ["What shape is in the picture?", ["square"]],
      ["What is the colour of the square?", ["black"]],
    ],
  },
  {
    style: "another cat",
    body: `<rect width="256" height="256" fill="#cfe8f7"/><g fill="#777"><path d="M70 110L78 46L116 84Z M186 110L178 46L140 84Z"/><ellipse cx="128" cy="136" rx="68" ry="60"/></g>
      <circle cx="104" cy="126" r="8"/><circle cx="152" cy="126" r="8"/><path d="M120 150H136L128 160Z" fill="#e88"/>
      <g stroke="#333" stroke-width="3"><path d="M90 152L40 144M90 158L42 166M166 152L216 144M166 158L214 166"/></g>`,
    questions: [
      ["Which object do you see?", ["cat"]],
      ["Is there a cat in the picture?", ["yes"]],
    ],
  },
  {
    style: "another house",
    body: `<rect width="256" height="170" fill="#bfe3ff"/><rect y="170" width="256" height="86" fill="#8fb97a"/><path d="M60 120L128 60L196 120Z" fill="#b5452c"/>
      <rect x="76" y="120" width="104" height="84" fill="#f3e6d0"/><rect x="114" y="156" width="28" height="48" fill="#5b3a21"/>`,
    questions: [
      ["What place is this?", ["meadow"]],
      ["What object is in the picture?", ["house"]],
    ],
  },
  {
    style: "scattered",
    body: `<rect width="256" height="256" fill="#fff"/>${[
      [50, 60],
      [170, 44],
      [110, 130],
      [210, 170],
    ]
      .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="26" fill="#e01b24"/>`)
      .join("")}`,
    questions: [
      ["How many circles are there?", ["4"]],
      ["What colour are the circles?", ["red"]],
    ],
  },
  {
    style: "brush letters",
    body: `<rect width="256" height="256" fill="#fff"/><g fill="none" stroke="#1750c8" stroke-width="13" stroke-linecap="round" stroke-linejoin="round">
      <path d="M76 96C40 84 30 160 78 158"/><path d="M98 160L124 92L150 160M107 138H141"/><path d="M164 94H226M195 94V160"/></g>`,
    questions: [
      ["Read the word.", ["CAT"]],
      ["What is the first letter of the word?", ["C"]],
    ],
  },
  {
    style: "neon",
    body: `<filter id="b"><feGaussianBlur stdDeviation="6"/></filter><rect width="256" height="256" fill="#0a0a0a"/>
      <path id="s" d="M128 50L150 110H212L162 148L180 208L128 172L76 208L94 148L44 110H106Z" fill="none" stroke="#ff74b4" stroke-width="14" filter="url(#b)"/>
      <path d="M128 50L150 110H212L162 148L180 208L128 172L76 208L94 148L44 110H106Z" fill="none" stroke="#ffd0e6" stroke-width="5"/>`,
    questions: [
      ["Which shape do you see?", ["star"]],
      ["What colour is the background?", ["black"]],
    ],
  },
  {
    style: "faint",
    body: `<rect width="256" height="256" fill="#f2f2f2"/><rect x="40" y="52" width="64" height="64" fill="#cfe0cf"/><circle cx="176" cy="176" r="38" fill="#e9c9c9"/>`,
    questions: [
      ["Is there a circle in the picture?", ["yes"]],
      ["Can you see a bus?", ["no"]],
    ],
  },
];

/** A drawing as SVG. */
export function drawingSvg({ body }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">${body}</svg>`;
}

function pixels(rows, fill, left, top, side) {
  return rows
    .flatMap((row, y) =>
      [...row].map((cell, x) =>
        cell === "X"
          ? `<rect x="${left + x * side}" y="${top + y * side}" width="${side}" height="${side}" fill="${fill}"/>`
          : "",
      ),
    )
    .join("");
}
