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
  suture_trampoline suture_stop suture_unwind suture_image suture_arch suture_base suture_pkg_json_c)
target_link_options(calls_bench PRIVATE -rdynamic)

# What the choice at a scoped patch's entry costs, on the arena's hot function.
add_executable(scope_bench ${CMAKE_CURRENT_LIST_DIR}/scope_bench.c
  ${PROJECT_SOURCE_DIR}/patches/arena/server/path.c ${PROJECT_SOURCE_DIR}/patches/arena/server/map.c)
target_link_libraries(scope_bench PRIVATE suture_handmade suture_agent suture_patch suture_scope
  suture_trampoline suture_stop suture_unwind suture_image suture_arch suture_base suture_pkg_json_c)
target_include_directories(scope_bench PRIVATE ${PROJECT_SOURCE_DIR}/patches/arena)
target_compile_definitions(scope_bench PRIVATE ARENA_SOURCE="${PROJECT_SOURCE_DIR}/patches/arena")
target_link_options(scope_bench PRIVATE -rdynamic)
target_compile_options(scope_bench PRIVATE -Wno-missing-prototypes)
