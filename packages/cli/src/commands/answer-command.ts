import type { FusionModel, Semantics } from "@fusion-vlm/core";
import { engineFlags, FusionCommand, generationFlags, type Settings, semanticsFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";
import { renderModel } from "../presenters/model-lines.ts";
import { loadModel } from "../services/load-model.ts";
import { modelFacts } from "../services/model-facts.ts";

/** Flags of the commands that answer questions. */
export const answerFlags = {
  ...engineFlags,
  ...generationFlags,
  system: Flags.string({ description: "Replace the template's system text.", helpValue: "TEXT" }),
  "auto-orient": Flags.boolean({
    description: "Turn the picture as its EXIF orientation says; the model was trained without.",
  }),
  semantics: semanticsFlag,
};

/** A command that answers questions. */
export abstract class AnswerCommand<T extends object | undefined> extends FusionCommand<T> {
  /** Loads the model, tells about it on stderr, hands it to `use`, and disposes it whatever happens. */
  protected async withModel<R>(
    { settings, semantics, hasImage }: { settings: Settings; semantics?: Semantics; hasImage?: boolean },
    use: (model: FusionModel) => Promise<R>,
  ): Promise<R> {
    const model = await this.#load(settings, semantics);
    try {
      this.note(renderModel(modelFacts(model.info), { hasImage }));
      return await use(model);
    } finally {
      await model.dispose();
    }
  }

  async #load(settings: Settings, semantics: Semantics | undefined): Promise<FusionModel> {
    const name = settings.model.value;
    const loading = this.progress({ label: `loading ${name}` });
    loading.begin();
    try {
      return await loadModel(settings, { semantics, signal: this.abortSignal });
    } finally {
      loading.finish();
    }
  }
}
