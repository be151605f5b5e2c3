import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runPlseg } from "@plseg/cli";
import { readBundleManifest } from "@plseg/runtime";
import { verifyBundle } from "@plseg/runtime/node";
import { type CapturedOutput, captureOutput, channelsFirst, channelsLast, expectClose, golden } from "@plseg/test-kit";
import { mul, softmax, sub, type Tensor5D, tensor1d } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forward } from "./reference-network.js";
import { referenceUnet, referenceUnetFile } from "./reference-unet.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-import-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const plseg = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));

describe("plseg import", () => {
  test.each(["net_progcon", "net_progcon_deconv", "net_unet3d"])(
    "makes a bundle of case %s that gives the reference's answer",
    async (name) => {
      const vectors = golden(name);
      const [weights, about, out] = [`${name}.safetensors`, `${name}.json`, name].map((file) => join(root, file));
      const { shape } = vectors.array("input");
      const patchSize = shape.slice(2);
      const classes = ["background", "liver", "spleen", "stomach", "aorta"];
      await writeFile(weights as string, referenceUnetFile(vectors));
      await writeFile(
        about as string,
        JSON.stringify({ classes, patchSize, spacing: [3, 1, 1], labelValues: [0, 1, 6, 7, 9] }),
      );
      const imported = await plseg(
        "import",
        ...["--weights", weights as string, "--about", about as string, "--out", out as string],
      );
      expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining("4 organs") });
      expect(imported.stderr).toBe('assumed: intensity "scan-range"\nassumed: imageRange [0,1]\n');
      expect(await verifyBundle(out as string)).toMatchObject({ passed: true });

      // The vectors' image is what the network itself takes: 0 … 1 there is −1 … 1 before the bundle's model.
      const image = channelsLast(vectors.array("input"));
      const windowed = sub(mul(image, 2), 1);
      const session = await ort.InferenceSession.create(await readFile(join(out as string, "model.onnx")));
      const unet = referenceUnet(vectors);
      const inputs = { parameters: tensor1d(unet.parameters), buffers: tensor1d(unet.buffers) };
      const { out1 } = forward(unet, { ...inputs, image });
      const expected = softmax(out1 as Tensor5D);
      const size = expected.size / (shape[0] as number);
      const first = channelsFirst(windowed.shape, windowed.dataSync() as Float32Array);
      for (let sample = 0; sample < (shape[0] as number); sample++) {
        const voxels = first.length / (shape[0] as number);
        const patch = first.slice(sample * voxels, (sample + 1) * voxels);
        const { probabilities } = await session.run({ image: new ort.Tensor("float32", patch, [1, 1, ...patchSize]) });
        const values = channelsFirst(expected.shape, expected.dataSync() as Float32Array);
        const wanted = values.slice(sample * size, (sample + 1) * size);
        expectClose("probabilities", probabilities?.data as Float32Array, wanted, { absolute: 1e-4 });
      }
      await session.release();
    },
  );

  test("knows the classes of the published network, and says what else it assumes", async () => {
    const [weights, out] = [join(root, "full.safetensors"), join(root, "full")];
    await writeFile(weights, referenceUnetFile(golden("net_progcon_full")));
    const imported = await plseg("import", "--weights", weights, "--out", out, "--patch", "16,16,16", "--json");
    expect(imported).toMatchObject({ code: 0, stderr: "" });
    const { assumed, manifest } = JSON.parse(imported.stdout);
    expect(Object.keys(assumed).sort()).toEqual(["classes", "imageRange", "intensity", "labelValues", "spacing"]);
    expect(readBundleManifest(manifest).classes[13]).toMatchObject({ name: "rectum", labelValue: 13 });
    expect(manifest.provenance.importedFrom).toMatchObject({ file: "full.safetensors" });
  });

  test("says what is wrong", async () => {
    const weights = join(root, "w.safetensors");
    await writeFile(weights, referenceUnetFile(golden("net_progcon")));
    await writeFile(join(root, "odd.json"), '{ "spacings": [1, 1, 1] }');
    const failed = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await plseg("import", "--out", join(root, "no"), ...args);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await failed("--weights", weights, "--classes", "background,liver")).toContain("tells 5 classes apart");
    expect(await failed("--weights", weights, "--patch", "12,16,16")).toContain("must be multiples of 8");
    expect(await failed("--weights", weights, "--intensity", "soft")).toContain("It must be level,width in HU");
    expect(await failed("--weights", weights, "--about", join(root, "odd.json"))).toContain(
      'there is no field "spacings". Did you mean',
    );
    expect(await failed("--weights", join(root, "odd.json"))).toContain(
      "odd.json holds neither safetensors nor weights",
    );
    expect(await failed("--weights", join(root, "none.pth"))).toContain("none.pth cannot be read");
  });
});
