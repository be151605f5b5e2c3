/** Every error that plseg throws on purpose. Recognize it by `code`, which also works across copies of this package. */
export class PlsegError extends Error {
  /** Name of the class, in front of the message when the error is printed. */
  override readonly name: string = "PlsegError";
  /** Which kind of error this is; each class has a code of its own. */
  readonly code: string = "ERR_PLSEG";
}

/** A tensor or volume has the wrong shape. */
export class ShapeError extends PlsegError {
  /** Always `"ShapeError"`. */
  override readonly name = "ShapeError";
  /** Always `"ERR_SHAPE"`. */
  override readonly code = "ERR_SHAPE";
}

/** An option, a configuration field or a command-line flag has a value that cannot be. */
export class ConfigError extends PlsegError {
  /** Always `"ConfigError"`. */
  override readonly name = "ConfigError";
  /** Always `"ERR_CONFIG"`. */
  override readonly code = "ERR_CONFIG";
}

/** A file or a dataset is missing, broken or contradicts itself. The message names the file and the field. */
export class DataError extends PlsegError {
  /** Always `"DataError"`. */
  override readonly name = "DataError";
  /** Always `"ERR_DATA"`. */
  override readonly code = "ERR_DATA";
}

/** An operation cannot be traced, or not on this engine. */
export class UnsupportedOpError extends PlsegError {
  /** Always `"UnsupportedOpError"`. */
  override readonly name = "UnsupportedOpError";
  /** Always `"ERR_UNSUPPORTED_OP"`. */
  override readonly code = "ERR_UNSUPPORTED_OP";
}

/** The machine lacks what was asked for: memory, disk space, a provider. */
export class ResourceError extends PlsegError {
  /** Always `"ResourceError"`. */
  override readonly name = "ResourceError";
  /** Always `"ERR_RESOURCE"`. */
  override readonly code = "ERR_RESOURCE";
}
