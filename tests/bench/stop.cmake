# Pause against threads: lazy, full, and the same with half of them spinning.
add_executable(stop_bench ${CMAKE_CURRENT_LIST_DIR}/stop_bench.c)
target_link_libraries(stop_bench PRIVATE suture_stop suture_unwind suture_base suture_arch)
# What a thousand functions in one patch add.
add_executable(many_bench ${CMAKE_CURRENT_LIST_DIR}/many_bench.c)
target_link_libraries(many_bench PRIVATE suture_handmade suture_agent suture_patch
  suture_trampoline suture_stop suture_unwind suture_image suture_arch suture_base)
target_link_options(many_bench PRIVATE -rdynamic)
target_compile_options(many_bench PRIVATE -fcf-protection=branch -Wno-missing-prototypes)

# What a call costs by each way to a replacement.
add_executable(calls_bench ${CMAKE_CURRENT_LIST_DIR}/calls_bench.c)
target_link_libraries(calls_bench PRIVATE suture_handmade suture_agent suture_patch
  suture_trampoline suture_stop suture_unwind suture_image suture_arch suture_base)
target_link_options(calls_bench PRIVATE -rdynamic)
