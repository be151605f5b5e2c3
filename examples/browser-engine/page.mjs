// What the page shows. The work is done in worker.mjs, so that the page stays alive meanwhile.

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const stop = document.querySelector("#stop");
const canvas = document.querySelector("canvas");

/** Red, green, blue of each class, background first. */
const COLORS = [
  ...[[], [232, 93, 66], [78, 168, 232], [118, 200, 120]],
  ...[
    [240, 200, 80],
    [180, 120, 220],
    [240, 140, 190],
  ],
];

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
  const end = (text) => {
    status.textContent = text;
    stop.disabled = true;
    worker.terminate();
  };
  worker.onerror = ({ message }) => end(`failed: ${message}`);
  worker.onmessage = ({ data }) => {
    if (data.failed) return end(`failed: ${data.failed}`);
    if (data.step) status.textContent = `step ${data.step}: loss ${data.loss.toFixed(3)}`;
    else {
      draw(data);
      end(
        `done: ${data.steps} steps, ${data.engine}, threads: ${data.threads}, loss ${data.loss.toFixed(3)}, voxels of organs: ${data.voxels}`,
      );
    }
  };
  stop.disabled = false;
  stop.onclick = () => worker.postMessage("stop");
  status.textContent = "loading …";
  const choice = new FormData(form);
  worker.postMessage({
    device: choice.get("device"),
    threads: Number(choice.get("threads")),
    steps: Number(choice.get("steps")),
    allowSoftwareAdapter: new URLSearchParams(location.search).has("software"), // for tests: much slower than wasm
  });
});

/** One slice: the scan in gray, organs in color. */
function draw({ image, labels, width, height }) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < image.length; i++) {
    const gray = 127 * (1 + image[i]);
    const color = labels[i] ? COLORS[labels[i]].map((value) => (value + gray) / 2) : [gray, gray, gray];
    pixels.data.set([...color, 255], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
}
