import { bar, duration, log, statusLine } from "./terminal.js";

/** What a step tells its progress. */
export interface ProgressStep {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
}

/** Options of {@link trainProgress}. */
export interface TrainProgressOptions {
  /** What is being done, in a word or two. */
  readonly label: string;
  /** Steps in all. */
  readonly steps: number;
  /** Steps done in earlier sittings. */
  readonly done: number;
  /** Patches per step. */
  readonly batch: number;
  /** Where it is shown: a line drawn over itself on a terminal, else lines for a log file. */
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds, for tests. */
  readonly now?: () => number;
}

/** Shows a person how a training goes. */
export interface TrainProgress {
  /** After each step. */
  step(record: ProgressStep): void;
  /** After each case that a validation has segmented: the `count`-th of `total`. */
  segmented(count: number, total: number, id: string): void;
  /** After each validation, with the mean Dice. */
  validation(step: number, dice: number | null): void;
  /** After each checkpoint. */
  checkpoint(step: number): void;
  /** Patches per second over the last steps, without what validations took. */
  imagesPerSecond(): number | undefined;
}

/** Steps over which loss and speed are averaged. */
const WINDOW = 50;
/** A log file gets a line at each of so many parts of the training, … */
const LINES = 20;
/** … and when none came for so long, in milliseconds. */
const SILENCE = 300_000;

/** Progress of a training on stderr: loss, last Dice, learning rate, images per second, time left. */
export function trainProgress(options: TrainProgressOptions): TrainProgress {
  const { label, steps, done, batch, stream = process.stderr, now = () => performance.now() } = options;
  const show = statusLine(stream);
  const started = now();
  const losses: number[] = [];
  const times: number[] = [];
  let ready = started; // when the last step, validation or checkpoint was over
  let logged = started;
  let [at, dice, saved]: [number, number | null | undefined, number | undefined] = [done, undefined, undefined];
  const imagesPerSecond = (): number | undefined => {
    const total = times.reduce((sum, time) => sum + time, 0);
    return total > 0 ? (1000 * batch * times.length) / total : undefined;
  };
  const facts = ({ loss, learningRate }: { loss: number; learningRate: number }): string[] => {
    const rate = imagesPerSecond();
    const perStep = (now() - started) / Math.max(at - done, 1);
    return [
      `loss ${loss.toFixed(4)}`,
      ...(dice === undefined ? [] : [`Dice ${dice?.toFixed(3) ?? "–"}`]),
      `lr ${Number(learningRate.toPrecision(2))}`,
      ...(rate === undefined ? [] : [`${rate.toPrecision(3)} images/s`]),
      ...(at < steps ? [`${duration((perStep * (steps - at)) / 1000)} left`] : []),
    ];
  };
  return {
    imagesPerSecond,
    step({ step, loss, learningRate }) {
      at = step;
      keep(losses, loss);
      keep(times, now() - ready);
      const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const line = (): string =>
        [`${label} ${bar(step, steps, 12)}`, `${step}/${steps}`, ...facts({ loss: mean, learningRate })].join("  ");
      show(line, step >= steps);
      const part = Math.floor((LINES * step) / steps);
      const due = part > Math.floor((LINES * (step - 1)) / steps) || step === done + 1 || now() - logged > SILENCE;
      if (!stream.isTTY && due) {
        logged = now();
        const checkpoint = saved === undefined ? [] : [`saved ${saved}`];
        const share = `step ${step}/${steps} (${Math.floor((100 * step) / steps)} %)`;
        logTime([share, ...facts({ loss: mean, learningRate }), ...checkpoint].join("  "), stream);
      }
      ready = now();
    },
    segmented(count, total, id) {
      show(() => `validate ${bar(count, total, 12)}  ${count}/${total}  ${id}`, false);
      if (stream.isTTY || now() - logged <= SILENCE) return;
      logged = now();
      logTime(`step ${at}: validated ${count} of ${total} cases`, stream);
    },
    validation(step, score) {
      dice = score;
      const text = `step ${step}: validation Dice ${score?.toFixed(4) ?? "undefined"}`;
      if (stream.isTTY) log(text);
      else logTime(text, stream);
      ready = now();
    },
    checkpoint(step) {
      saved = step;
      ready = now();
    },
  };
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > WINDOW) values.shift();
}

const logTime = (text: string, stream: NodeJS.WriteStream): void =>
  void stream.write(`${new Date().toISOString().slice(0, 19)}Z  ${text}\n`);
