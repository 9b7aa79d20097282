# Compiler flags shared by every target, and suture_module(): how a folder becomes a target.

add_compile_options(-Wall -Wextra -Wshadow -Wvla -fno-common)
add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
add_compile_definitions(_GNU_SOURCE SUTURE_VERSION="${PROJECT_VERSION}")
if(SUTURE_WERROR)
  add_compile_options(-Werror)
endif()

# suture_module(NAME SOURCES... LINKS names... PACKAGES targets...): the static library of one
# folder. Other folders include its headers as "NAME/file.h", which needs the link: the include path
# is a folder with one symbolic link, made for this target alone, so that linking to image does not
# make patch's headers visible.
#
# With a sanitizer there are two libraries: suture_NAME is instrumented, for units and tools;
# suture_NAME_plain is not, for the agent, since a process that preloads the agent has no ASan
# runtime. Without a sanitizer the second is an alias of the first.
function(suture_module name)
  cmake_parse_arguments(M "" "" "SOURCES;LINKS;PACKAGES" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/include-views/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  suture_module_variant(suture_${name} "" ${view} "${M_SOURCES}" "${M_LINKS}" "${M_PACKAGES}")
  if(SUTURE_SANITIZE)
    suture_module_variant(suture_${name}_plain _plain ${view} "${M_SOURCES}" "${M_LINKS}"
                          "${M_PACKAGES}")
    target_compile_options(suture_${name} PUBLIC -fsanitize=${SUTURE_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(suture_${name} PUBLIC -fsanitize=${SUTURE_SANITIZE})
  else()
    add_library(suture_${name}_plain ALIAS suture_${name})
  endif()
endfunction()

function(suture_module_variant target suffix view sources links packages)
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${view} ${PROJECT_SOURCE_DIR}/include)
  target_compile_options(${target} PRIVATE -fvisibility=hidden)
  list(TRANSFORM links PREPEND suture_)
  list(TRANSFORM links APPEND "${suffix}")
  target_link_libraries(${target} PUBLIC ${links} PRIVATE ${packages})
endfunction()
