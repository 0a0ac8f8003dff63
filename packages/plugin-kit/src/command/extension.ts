import type { Command, Interfaces } from "@oclif/core";

/**
 * What a command package exports as COMMANDS: command id (`data:synth` for `fusion data synth`) to class.
 *
 * The package's `oclif` block names it: `"commands": { "strategy": "explicit", "target": "./dist/index.js", "identifier": "COMMANDS" }`.
 */
export type CommandTable = Readonly<Record<string, Command.Class>>;

/** One line of `fusion doctor`. */
export interface DoctorCheck {
  readonly name: string;
  /** `problem`: something that must work does not. `info`: a fact, or something optional that is absent. */
  readonly status: "ok" | "info" | "problem";
  readonly value: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Machine-readable form of `value`. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Events that command packages may listen to, besides those of oclif. */
export interface FusionHooks extends Interfaces.Hooks {
  /** `fusion doctor` asks every installed package for its own checks. */
  doctor: { options: Record<string, never>; return: readonly DoctorCheck[] };
}

/** A listener: `export const doctor: FusionHook<"doctor"> = async () => [...]`, named in the package's `oclif.hooks`. */
export type FusionHook<E extends keyof FusionHooks> = Interfaces.Hook<E, FusionHooks>;
