"""The one error of this package."""


class EmbeddedError(RuntimeError):
    """A built-in server cannot be found, prepared or started.

    code     stable, for the command line to translate
    params   what the sentence needs; the English sentence itself is str(error), for logs
    """

    def __init__(self, code: str, sentence: str, **params: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.params = params
