"""Which probes there are, and their bytes in place."""


rule list_session:
    """Find the probes of a session. What cannot be read is a row that says so.

    The user's files are no inputs: Snakemake would take braces in their names for wildcards, and
    refuses times that are ahead of its clock. Their state is a param, so that new ones count.
    """
    input:
        listed=listed_session,
        script=script("list_session"),
    output:
        probes="<results>/{session}/probes.tsv",
        listing="<results>/{session}/listing.json",
    log:
        "<logs>/list_session/{session}.log",
    benchmark:
        "<benchmarks>/list_session/{session}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime="30m",
    params:
        row=row_options,
        files=state_of_files,
        failures=failures_of("{session}/listing.json"),
        cache=lambda wildcards: config["cache"],
        listed=lambda wildcards: options("--listed", listed_session(wildcards)),
        mirror=lambda wildcards: config["allen"]["mirror"] or "",
        library=library("list_session"),
    shell:
        # a second time, with the exit code, where the first one did not come to its end
        """
        set -- python {input.script:q} {params.row} --cache {params.cache:q} \
            --probes {output.probes:q} --listing {output.listing:q} {params.listed} \
            --mirror={params.mirror:q} --tries {params.failures}
        "$@" >{log:q} 2>&1 || "$@" --ended $? >>{log:q} 2>&1
        """


checkpoint list_probes:
    """Bring the probes of all sessions into one table."""
    input:
        sessions=listings,
        script=script("list_probes"),
    output:
        probes="<results>/probes.tsv",
    log:
        "<logs>/list_probes.log",
    benchmark:
        "<benchmarks>/list_probes.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=library("list_probes"),
    shell:
        """
        python {input.script:q} {input.sessions:q} --probes {output.probes:q} >{log:q} 2>&1
        """


rule fetch_probe:
    """Find, make or fetch a probe's file, check it, and note where it is and what to take of it.

    The file itself is no output: Snakemake would delete it before it runs the rule.
    """
    input:
        once_listed,
        # a newer program does not make worse a file that is there and complete: rerunning could
        # mean a download, so the script is ancient and its library not named
        script=ancient(script("fetch_probe")),
    output:
        source="<results>/{session}/probes/{probe}/source.json",
    log:
        "<logs>/fetch_probe/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/fetch_probe/{session}/{probe}.tsv"
    resources:
        mem_mb=1000,
        runtime="4h",
        downloads=lambda wildcards: int(bool(fetching(wildcards))),
    params:
        row=row_of,
        file=state_of_file,
        failures=failures_of("{session}/probes/{probe}/source.json"),
    shell:
        """
        python {input.script:q} {params.row} --session {wildcards.session} \
            --probe {wildcards.probe} --checked {output.source:q} --failed {params.failures} \
            >{log:q} 2>&1
        """
