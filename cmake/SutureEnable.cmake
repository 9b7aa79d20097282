# suture_enable(TARGET [AGENT]): builds an executable or shared library so that it can be patched
# while it runs:
#
#   a build-id                        a patch is made for one binary and knows it by that
#   compile_commands.json             what `suture build` compiles with again
#   tables for unwinding              the stop walks every stack by them; a C program may have been
#                                     told to leave them out
#   no link-time optimisation         its functions can't be compared with their sources
#   no folding of equal functions     one address for two functions can't be given two replacements
#
# AGENT also links suture::agent, so that it starts with the program; without it the program gets the
# agent by LD_PRELOAD or `suture attach`. Compile options are for the target's own sources alone. Call it
# for static libraries too that go into the program.
include(CheckLinkerFlag)

function(suture_enable target)
  cmake_parse_arguments(PARSE_ARGV 1 ENABLE "AGENT" "" "")
  if(ENABLE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "suture_enable(${target}): unknown: ${ENABLE_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "suture_enable(${target}): there is no such target")
  endif()
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "INTERFACE_LIBRARY")
    message(FATAL_ERROR "suture_enable(${target}): it has no sources of its own to compile")
  endif()
  set_target_properties(${target} PROPERTIES
    EXPORT_COMPILE_COMMANDS ON INTERPROCEDURAL_OPTIMIZATION OFF)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C,CXX>:-fasynchronous-unwind-tables;-fno-lto>)
  if(kind MATCHES "EXECUTABLE|SHARED_LIBRARY|MODULE_LIBRARY")
    target_link_options(${target} PRIVATE -Wl,--build-id)
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    list(FILTER languages INCLUDE REGEX "^(C|CXX)$")
    list(GET languages 0 language)
    check_linker_flag(${language} -Wl,--icf=none SUTURE_LINKER_FOLDS)
    if(SUTURE_LINKER_FOLDS)
      target_link_options(${target} PRIVATE -Wl,--icf=none)
    endif()
    if(ENABLE_AGENT)
      target_link_libraries(${target} PRIVATE suture::agent)
    endif()
  elseif(ENABLE_AGENT)
    message(FATAL_ERROR "suture_enable(${target} AGENT): the agent is linked to programs")
  endif()
endfunction()
