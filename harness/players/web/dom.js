"use strict";

/* What the scripts of both pages share. */

const $ = (id) => document.getElementById(id);

/** A new element with attributes, and with children: elements or text. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
