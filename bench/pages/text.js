/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text without end, the same each time: sentences of a harbour's regulations. */
'use strict';

function random(seed) {
  let state = seed >>> 0;
  return count => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * count);
  };
}

const WHO = ['The harbour master', 'A pilot', 'The crew of a vessel in quarantine', 'The tide clerk',
  'Each captain', 'The keeper of the light', 'A barge without papers', 'The watch on the mole'];
const DOES = ['enters the hour of arrival in', 'reads the depth from', 'keeps a distance from',
  'asks for a copy of', 'hangs two lanterns beside', 'may not leave before it was told of',
  'pays the dues that stand in', 'answers each question of'];
const WHAT = ['the ledger of the third quay', 'the chart of the northern channel', 'the bill of health',
  'the list of moorings', 'the signal mast', 'the table of tides, page 48', 'the anchorage',
  'the rules of the lazaret'];
const WHEN = ['before sunset', 'when the wind turns', 'on the first day of a month', 'at low water',
  'without delay', 'if the yellow flag is shown', 'as long as the fog lasts', 'twice a watch'];

function sentence(pick) {
  return WHO[pick(8)] + ' ' + DOES[pick(8)] + ' ' + WHAT[pick(8)] + ' ' + WHEN[pick(8)] + '. ';
}

function fill(element, seed, paragraphs) {
  const pick = random(seed);
  for (let i = 0; i < paragraphs; i++) {
    if (i % 5 === 0) {
      const head = document.createElement('h2');
      head.textContent = (i / 5 + 1) + '. ' + WHAT[pick(8)];
      element.append(head);
    }
    const p = document.createElement('p');
    let text = '';
    for (let n = 4 + pick(4); n > 0; n--)
      text += sentence(pick);
    p.textContent = text;
    element.append(p);
  }
}
