"""The processor that runs us."""

import os
from functools import cache
from typing import Any

from scalargrad.errors import ProgramError

__all__ = ["Host", "host"]


class Host:
    """What LLVM says of the processor that runs us; `width` is how many doubles its registers hold."""

    def __init__(self) -> None:
        import llvmlite
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        triple = llvm.get_process_triple() + ("-elf" if os.name == "nt" else "")  # what can be loaded there
        self.target = llvm.Target.from_triple(triple)
        self.cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
        self.features = features.flatten()
        self.width = 8 if features.get("avx512f") and features.get("avx512dq") else 4 if features.get("avx2") else 2
        self.fused = bool(features.get("fma")) or self.target.name == "aarch64"
        self.description = f"{triple} {self.cpu} {self.features} {llvmlite.__version__} {llvm.llvm_version_info}"

    def machine(self) -> Any:
        """A target machine: constants are found near the code, wherever that is loaded."""
        return self.target.create_target_machine(self.cpu, self.features, opt=1, reloc="pic", codemodel="small")


@cache
def host() -> Host:
    """This machine's. Raises ProgramError where llvmlite is not installed."""
    try:
        return Host()
    except ImportError as error:
        raise ProgramError('the LLVM backend needs llvmlite and NumPy: pip install "scalargrad-tape[jit]"') from error
