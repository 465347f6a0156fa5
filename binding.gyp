# The build that ships. CMakeLists.txt reads the same lists for tests, sanitizers, fuzzing and coverage.
{
  "includes": ["native/sources.gypi"],
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags!": ["-O3", "-O2", "-fno-omit-frame-pointer"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-rtti", "-fno-exceptions"],
    "cflags_cc": ["<@(bptt_common_flags)"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "CLANG_CXX_LIBRARY": "libc++",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_ENABLE_CPP_RTTI": "YES",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "10.15",
      "OTHER_CPLUSPLUSFLAGS": ["<@(bptt_common_flags)"]
    },
    "msvs_settings": {
      "VCCLCompilerTool": { "ExceptionHandling": 1, "RuntimeTypeInfo": "true", "AdditionalOptions": ["<@(bptt_msvc_flags)"] }
    }
  },
  "targets": [
    {
      "target_name": "bptt",
      "sources": ["<@(bptt_core_files)", "<@(bptt_addon_files)"],
      "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all", "bptt_scalar"],
      "defines": ["<@(bptt_defines)", "BPTT_VERSION=<!(node -p \"require('./package.json').version\")"],
      "conditions": [
        ["target_arch=='x64'", { "dependencies": ["bptt_sse2", "bptt_avx2", "bptt_avx512"] }],
        ["target_arch=='arm64'", { "dependencies": ["bptt_neon"] }],
        ["OS=='linux'", {
          "sources": ["<@(bptt_linux_files)"],
          "ldflags": ["<@(bptt_linux_ldflags)", "-Wl,--version-script=<(module_root_dir)/native/exports.map"]
        }]
      ]
    },
    {
      "target_name": "bptt_scalar",
      "type": "static_library",
      "sources": ["<@(bptt_scalar_files)"],
      "cflags_cc": ["<@(bptt_scalar_flags)"],
      "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(bptt_common_flags)", "-fno-vectorize", "-fno-slp-vectorize"] }
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "bptt_sse2",
          "type": "static_library",
          "sources": ["<@(bptt_sse2_files)"],
          "cflags_cc": ["<@(bptt_sse2_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(bptt_common_flags)", "<@(bptt_sse2_flags)"] }
        },
        {
          "target_name": "bptt_avx2",
          "type": "static_library",
          "sources": ["<@(bptt_avx2_files)"],
          "cflags_cc": ["<@(bptt_avx2_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(bptt_common_flags)", "<@(bptt_avx2_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(bptt_avx2_msvc_flags)"] } }
        },
        {
          "target_name": "bptt_avx512",
          "type": "static_library",
          "sources": ["<@(bptt_avx512_files)"],
          "cflags_cc": ["<@(bptt_avx512_flags)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(bptt_common_flags)", "<@(bptt_avx512_flags)"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["<@(bptt_avx512_msvc_flags)"] } }
        }
      ]
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "bptt_neon",
          "type": "static_library",
          "sources": ["<@(bptt_neon_files)"],
          "cflags_cc": ["<@(bptt_neon_flags)"]
        }
      ]
    }]
  ]
}
