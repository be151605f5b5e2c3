/** GPU buffers of this page: how many there are, and how many there were at most. Import it before what uses WebGPU. */
export const gpuBuffers = { held: 0, most: 0 };

if ("GPUDevice" in globalThis) {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const held = new Set<GPUBuffer>();
  const count = (): void => {
    gpuBuffers.held = held.size;
    gpuBuffers.most = Math.max(gpuBuffers.most, held.size);
  };
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    held.add(buffer);
    count();
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    held.delete(this);
    count();
    return destroy.call(this);
  };
}

const memories: WebAssembly.Memory[] = [];

WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};

/** Bytes of all WebAssembly memories of this page. They grow, and never shrink. */
export const wasmBytes = (): number => memories.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0);
