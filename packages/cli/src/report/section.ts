import { type Content, html, type Markup } from "./html.js";

/** A part of a report with its heading. */
export const section = (title: string, ...content: readonly Content[]): Markup =>
  html`<section><h2>${title}</h2>
${content}
</section>`;

/** What a column of a table holds. */
export interface Column {
  readonly head: string;
  /** Aligned to the right. */
  readonly number?: boolean;
}

/**
 * A table that can be scrolled sideways, also by keyboard. The first cell of each row is its heading.
 *
 * @param caption - What a screen reader says of it.
 */
export function dataTable(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Markup {
  const kind = (column: Column | undefined): Content => (column?.number ? html` class="number"` : "");
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<thead><tr>${columns.map((column) => html`<th scope="col"${kind(column)}>${column.head}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>${row.map((cell, i) =>
      i === 0 ? html`<th scope="row"${kind(columns[i])}>${cell}</th>` : html`<td${kind(columns[i])}>${cell}</td>`,
    )}</tr>
`,
  )}</tbody></table></div>`;
}
