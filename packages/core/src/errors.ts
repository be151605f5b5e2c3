/** Every error that plseg throws on purpose. Recognize it by `code`, which also works across copies of this package. */
export class PlsegError extends Error {
  override readonly name: string = "PlsegError";
  readonly code: string = "ERR_PLSEG";
}

/** A tensor or volume has the wrong shape. */
export class ShapeError extends PlsegError {
  override readonly name = "ShapeError";
  override readonly code = "ERR_SHAPE";
}

/** An option, a configuration field or a command-line flag has a value that cannot be. */
export class ConfigError extends PlsegError {
  override readonly name = "ConfigError";
  override readonly code = "ERR_CONFIG";
}

/** A file or a dataset is missing, broken or contradicts itself. The message names the file and the field. */
export class DataError extends PlsegError {
  override readonly name = "DataError";
  override readonly code = "ERR_DATA";
}

/** An operation cannot be traced, or not on this engine. */
export class UnsupportedOpError extends PlsegError {
  override readonly name = "UnsupportedOpError";
  override readonly code = "ERR_UNSUPPORTED_OP";
}

/** The machine lacks what was asked for: memory, disk space, a provider. */
export class ResourceError extends PlsegError {
  override readonly name = "ResourceError";
  override readonly code = "ERR_RESOURCE";
}
