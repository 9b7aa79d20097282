suture_unit_test(unwind/live_test LINKS unwind base arch)
suture_unit_test(unwind/synthetic_test LINKS unwind base arch)
# Frame pointers: what needs a register must be told apart from what does not.
target_compile_options(unit_unwind_live_test PRIVATE -fno-omit-frame-pointer -fasynchronous-unwind-tables)
