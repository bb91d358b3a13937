function __shardlog_streams -d 'The streams that begin with the word, and the directories on the way to other streams'
    set -l word (commandline -ct)
    if test -n "$STREAM_DIR"; and not string match -q '*/*' -- $word
        # As in the programs, a bare name is looked up in $STREAM_DIR.
        set -l found $STREAM_DIR/*/stream.db
        test -n "$found"; and string replace -r '^.*/([^/]+)/stream.db$' '$1' -- $found
        return
    end
    for directory in (__fish_complete_directories $word '' | string replace -r '\t.*' '')
        if test -e (string replace -r '^~/' "$HOME/" -- $directory)/stream.db
            string replace -r '/$' '' -- $directory
        else
            echo $directory
        end
    end
end
