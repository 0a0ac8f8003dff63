import { basename } from "node:path";
import { createRandom } from "@fusion-vlm/core";
import { Dataset, type DatasetOptions } from "./dataset.ts";
import { isMixingFile, type MixedFile, readMixingFile } from "./mixing-file.ts";
import { everyRecord } from "./sampling.ts";

/** A file given as data: LLaVA-style JSON or JSON lines, or a mixing file that names several. */
export interface GivenData {
  readonly file: string;
  /** Folder that image paths are relative to; that of each data file when absent. A mixing file may name others. */
  readonly images?: string;
}

/** What is trained on together: a data file, or all that a mixing file names. */
export interface OpenedData {
  /** The file as it was given. */
  readonly name: string;
  readonly datasets: readonly Dataset[];
}

export interface OpenDataOptions extends Pick<DatasetOptions, "planner" | "maxSkipped"> {
  /** Decides the records of `random:N`. */
  readonly seed: number;
  /** Called as records of a file are gone through, with the number of those checked; may throw to stop. */
  readonly onRecord?: (file: string, checked: number) => void;
  /** Called as soon as a file has been read; the next one waits for it. */
  readonly onDataset?: (dataset: Dataset) => Promise<void> | void;
}

/**
 * Reads everything that is given as data, in its order; mixing files before any data file.
 *
 * `random:N` draws from a stream of its own for each place of each given file: the same seed, the same records.
 *
 * @returns one for each file that is given; to be closed by `closeData`
 * @throws as `readMixingFile` and `Dataset.open`, and leaves nothing open
 */
export async function openData(given: readonly GivenData[], options: OpenDataOptions): Promise<OpenedData[]> {
  const listed: Listed[] = [];
  for (const { file } of given) {
    const isMixing = isMixingFile(file);
    listed.push({ isMixing, files: isMixing ? await readMixingFile(file) : [{ file, sampling: everyRecord }] });
  }
  const opened: { name: string; datasets: Dataset[] }[] = [];
  try {
    for (const [index, data] of given.entries()) {
      const datasets: Dataset[] = [];
      opened.push({ name: data.file, datasets });
      for (const place of listed[index]!.files.keys()) {
        const dataset = await openFile(data, listed[index]!, { index, place }, options);
        datasets.push(dataset);
        await options.onDataset?.(dataset);
      }
    }
    return opened;
  } catch (error) {
    await closeData(opened);
    throw error;
  }
}

export async function closeData(opened: readonly OpenedData[]): Promise<void> {
  await Promise.all(opened.flatMap(({ datasets }) => datasets.map((dataset) => dataset.close())));
}

/** The data files that a given one stands for. */
interface Listed {
  readonly isMixing: boolean;
  readonly files: readonly MixedFile[];
}

function openFile(
  given: GivenData,
  { isMixing, files }: Listed,
  { index, place }: { index: number; place: number },
  { planner, maxSkipped, seed, onRecord }: OpenDataOptions,
): Promise<Dataset> {
  const { file, sampling, images = given.images } = files[place]!;
  const key = `datasets[${place}]`;
  const isRepeated = files.filter((other) => other.file === file).length > 1;
  return Dataset.open(file, {
    ...{ planner, maxSkipped, sampling, images },
    // Not the whole path: it is no matter what folders are called.
    random: createRandom(seed, `sampling ${basename(file)}, data ${index}, ${key}`),
    ...(isMixing && { givenBy: `${given.file}: ${key}.json_path` }),
    ...(isRepeated && { name: `${file} (${key})` }),
    onRecord: (checked) => onRecord?.(file, checked),
  });
}
