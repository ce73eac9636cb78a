"use strict";
// The picture of the product that is shown, and those of the products that come next.
// sending.js comes before it.
const MOST_ENLARGED = 5;
const loaded = new Map();

function load(task) {
  if (!task.image || loaded.has(task.image)) return;
  const image = new Image();
  image.src = task.image;
  loaded.set(task.image, image);
}

// Has the images of these products at hand, and those of no others.
function loadImages(tasks) {
  const needed = new Set(tasks.map((task) => task.image));
  for (const image of loaded.keys()) if (!needed.has(image)) loaded.delete(image);
  tasks.forEach(load);
}

function showImage(task) {
  const image = $("image");
  const missing = $("no-image");
  image.hidden = true;
  image.removeAttribute("src");
  missing.hidden = Boolean(task.image);
  missing.textContent = "This product has no image.";
  $("broken").hidden = !task.image;
  if (!task.image) return;
  image.onload = () => {
    // A thumbnail that fills the window is a blur.
    image.style.maxWidth = `${image.naturalWidth * MOST_ENLARGED}px`;
    image.style.maxHeight = `${image.naturalHeight * MOST_ENLARGED}px`;
    image.hidden = false;
  };
  image.onerror = () => {
    missing.hidden = false;
    missing.textContent = "The image does not load.";
  };
  image.src = task.image;
}
